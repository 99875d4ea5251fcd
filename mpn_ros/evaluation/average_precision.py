"""COCO's AP and AR by name, computed by pycocotools (section 4.1: OKS for poses, IoU for boxes)."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

FIGURES = {
    'keypoints': ('AP', 'AP50', 'AP75', 'AP_M', 'AP_L', 'AR', 'AR50', 'AR75', 'AR_M', 'AR_L'),
    'bbox': ('AP', 'AP50', 'AP75', 'AP_S', 'AP_M', 'AP_L', 'AR1', 'AR10', 'AR100', 'AR_S', 'AR_M', 'AR_L'),
}
"""COCO's figures in pycocotools' order: S, M and L are areas below 32^2, 32^2 to 96^2 and above; ARn allows
n boxes an image."""

PERSON = 1
"""The one category there is."""

Annotation = Mapping[str, Any]
"""A COCO annotation or result."""


def average_precision(image_ids: Sequence[int], truth: Sequence[Annotation], results: Sequence[Annotation],
                      kind: Literal['keypoints', 'bbox']) -> dict[str, float | None]:
    """The figures of ``results`` on the images ``image_ids``, 0..1 by name; None for a figure that has no truth to
    measure it on, such as AP_S where nobody is small.

    truth: annotations of persons with ``image_id``, ``bbox``, ``area``, ``iscrowd`` and, for 'keypoints',
    ``keypoints`` and ``num_keypoints``. results: as ``evaluation.results`` makes them.
    """
    # pycocotools prints what it does, and has no way to be asked not to.
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(_index(image_ids, truth), _index(image_ids, results), iouType=kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    figures = zip(FIGURES[kind], evaluation.stats, strict=True)
    return {name: float(value) if value >= 0 else None for name, value in figures}


def _index(image_ids: Sequence[int], annotations: Sequence[Annotation]) -> COCO:
    coco = COCO()
    # Numbered anew from 1 on: pycocotools takes a match with id 0 for no match, and some tools count from 0.
    coco.dataset = {'images': [{'id': image_id} for image_id in image_ids],
                    'annotations': [{**annotation, 'id': number, 'category_id': PERSON}
                                    for number, annotation in enumerate(annotations, start=1)],
                    'categories': [{'id': PERSON, 'name': 'person'}]}
    coco.createIndex()
    return coco
