"""COCO's AP and AR by name, computed by pycocotools (section 4.1: OKS for poses, IoU for boxes)."""

from __future__ import annotations

import contextlib
import io
from typing import Any, Literal

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mpn_ros.evaluation.dataset import PersonDataset

FIGURES = {
    'keypoints': ('AP', 'AP50', 'AP75', 'AP_M', 'AP_L', 'AR', 'AR50', 'AR75', 'AR_M', 'AR_L'),
    'bbox': ('AP', 'AP50', 'AP75', 'AP_S', 'AP_M', 'AP_L', 'AR1', 'AR10', 'AR100', 'AR_S', 'AR_M', 'AR_L'),
}
"""COCO's figures in pycocotools' order: S, M and L are areas below 32^2, 32^2 to 96^2 and above; ARn allows n boxes an image."""

PERSON = 1


def average_precision(dataset: PersonDataset, results: list[dict[str, Any]],
                      kind: Literal['keypoints', 'bbox']) -> dict[str, float | None]:
    """The figures of ``results`` (``evaluation.results``) on the images of ``dataset``, 0..1 by name; None for a figure that
    has no truth to measure it on, such as AP_S where nobody is small."""
    image_ids = [image.id for image in dataset.images]
    truth = [{**annotation, 'category_id': PERSON}
             for image in dataset.images for annotation in dataset.annotations_of(image)]
    # pycocotools prints what it does, and has no way to be asked not to.
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(_index(image_ids, truth), _index(image_ids, _with_ids(results)), iouType=kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return {name: float(value) if value >= 0 else None for name, value in zip(FIGURES[kind], evaluation.stats, strict=True)}


def _with_ids(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    # From 1 on: pycocotools takes a match with id 0 for no match.
    return [{**result, 'id': number} for number, result in enumerate(results, start=1)]


def _index(image_ids: list[int], annotations: list[dict[str, Any]]) -> COCO:
    coco = COCO()
    coco.dataset = {'images': [{'id': image_id} for image_id in image_ids], 'annotations': annotations,
                    'categories': [{'id': PERSON, 'name': 'person'}]}
    coco.createIndex()
    return coco
