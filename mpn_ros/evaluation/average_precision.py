"""COCO's AP and AR by name, computed by pycocotools (section 4.1: OKS for poses, IoU for boxes)."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

FIGURES = {
    'keypoints': ('AP', 'AP50', 'AP75', 'AP_M', 'AP_L', 'AR', 'AR50', 'AR75', 'AR_M', 'AR_L'),
    'bbox': ('AP', 'AP50', 'AP75', 'AP_S', 'AP_M', 'AP_L', 'AR1', 'AR10', 'AR100', 'AR_S', 'AR_M', 'AR_L'),
    'segm': ('AP', 'AP50', 'AP75', 'AP_S', 'AP_M', 'AP_L', 'AR1', 'AR10', 'AR100', 'AR_S', 'AR_M', 'AR_L'),
}
"""COCO's figures in pycocotools' order: S, M and L are areas below 32^2, 32^2 to 96^2 and above; ARn allows
n boxes an image."""

PERSON = 1
"""The one category there is."""

Kind = Literal['keypoints', 'bbox', 'segm']

Annotation = Mapping[str, Any]
"""A COCO annotation or result."""


def average_precision(
    image_ids: Sequence[int], truth: Sequence[Annotation], results: Sequence[Annotation], kind: Kind
) -> dict[str, float | None]:
    """The ``figures`` of ``results`` on the images ``image_ids``; the arguments are those of ``matched``."""
    return figures(matched(image_ids, truth, results, kind))


def matched(
    image_ids: Sequence[int],
    truth: Sequence[Annotation],
    results: Sequence[Annotation],
    kind: Kind,
    thresholds: Sequence[float] | None = None,
    sigmas: Sequence[float] | None = None,
    areas: Mapping[str, tuple[float, float]] | None = None,
) -> COCOeval:
    """pycocotools' evaluation with its arrays filled: ``eval['precision']`` and ``eval['recall']``.

    truth: annotations of persons with ``image_id``, ``bbox``, ``area``, ``iscrowd`` and, for 'keypoints',
    ``keypoints`` and ``num_keypoints``, for 'segm' a ``segmentation`` in run lengths. results: as
    ``evaluation.results`` makes them; their size, by which those that match nobody are sorted, is the ``area`` that
    they state. thresholds: the OKS or IoU from which a result is right; None for COCO's .5, .55 ... .95. sigmas: the
    OKS constant of each keypoint; None for COCO's. areas: between which areas, by name, people are measured apart;
    None for COCO's.
    """
    with _silence():
        evaluation = COCOeval(_index(image_ids, truth), _index(image_ids, results), iouType=kind)
        if thresholds is not None:
            evaluation.params.iouThrs = np.asarray(thresholds)
        if sigmas is not None:
            evaluation.params.kpt_oks_sigmas = np.asarray(sigmas)
        if areas is not None:
            evaluation.params.areaRngLbl = list(areas)
            evaluation.params.areaRng = list(map(list, areas.values()))
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation


def figures(evaluation: COCOeval) -> dict[str, float | None]:
    """COCO's figures of an evaluation at COCO's own thresholds, 0..1 by name; None for a figure that has no truth to
    measure it on, such as AP_S where nobody is small."""
    with _silence():
        evaluation.summarize()
    named = zip(FIGURES[evaluation.params.iouType], evaluation.stats, strict=True)
    return {name: float(value) if value >= 0 else None for name, value in named}


def _silence() -> contextlib.AbstractContextManager[Any]:
    """pycocotools prints what it does, and has no way to be asked not to."""
    return contextlib.redirect_stdout(io.StringIO())


def _index(image_ids: Sequence[int], annotations: Sequence[Annotation]) -> COCO:
    coco = COCO()
    # Numbered anew from 1 on: pycocotools takes a match with id 0 for no match, and some tools count from 0.
    coco.dataset = {
        # Their size is asked for with masks, and not used where these are run lengths.
        'images': [{'id': image_id, 'height': 0, 'width': 0} for image_id in image_ids],
        'annotations': [
            {**annotation, 'id': number, 'category_id': PERSON}
            for number, annotation in enumerate(annotations, start=1)
        ],
        'categories': [{'id': PERSON, 'name': 'person'}],
    }
    coco.createIndex()
    return coco
