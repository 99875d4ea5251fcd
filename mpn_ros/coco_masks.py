"""The pixels of people from COCO segmentations: polygons and run lengths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from mpn_ros.errors import DatasetError

FARTHEST = 1e6
"""Pixels from the image's corner within which polygons must be."""


def person_mask(annotations: Sequence[dict[str, Any]], height: int, width: int) -> np.ndarray:
    """``(height, width)`` bool: the pixels of all persons, crowds included. Raises DatasetError if one is malformed."""
    if not annotations:
        return np.zeros((height, width), bool)
    runs = [encode_person(annotation, height, width) for annotation in annotations]
    return coco_mask.decode(coco_mask.merge(runs)).astype(bool)


def encode_person(annotation: dict[str, Any], height: int, width: int) -> dict[str, Any]:
    """The pixels of one person as pycocotools' compressed run lengths. Raises DatasetError if they are malformed."""
    try:
        runs: dict[str, Any] = coco_mask.merge(_encode(annotation['segmentation'], height, width))
    except Exception as error:  # pycocotools raises whatever its C code stumbles over
        raise DatasetError(
            f'annotation id {annotation["id"]} has neither polygons nor RLE of its '
            f'{width}x{height} image as its segmentation'
        ) from error
    return runs


def _encode(segmentation: Any, height: int, width: int) -> list[dict[str, Any]]:
    """Polygons, RLE as numbers or RLE as text, all as the last."""
    if isinstance(segmentation, dict):
        counts = segmentation['counts']
        # pycocotools would take the size as it comes, and leave pixels that no run reaches undefined.
        if segmentation['size'] != [height, width] or (isinstance(counts, list) and sum(counts) != height * width):
            raise ValueError('run lengths of another picture')
        if isinstance(counts, (str, bytes)):
            return [segmentation]
    elif not all(
        len(polygon) > 5 and np.isfinite(polygon).all() and np.abs(polygon).max() < FARTHEST for polygon in segmentation
    ):
        raise ValueError('polygons of no picture')  # pycocotools would walk along their edges all the same
    encoded = coco_mask.frPyObjects(segmentation, height, width)
    return encoded if isinstance(encoded, list) else [encoded]
