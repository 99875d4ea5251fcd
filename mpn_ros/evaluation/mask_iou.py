"""Intersection over union of the person mask with the labels' polygons (section 4.4: PASCAL's measure, one class)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from mpn_ros.errors import DatasetError


def truth_mask(annotations: Sequence[dict[str, Any]], height: int, width: int) -> np.ndarray:
    """``(height, width)`` bool: the pixels of all persons, crowds included. Raises DatasetError if one is malformed."""
    runs = []
    for annotation in annotations:
        segmentation = annotation['segmentation']
        try:
            runs += _encode(segmentation, height, width)
        except Exception as error:  # pycocotools raises whatever its C code stumbles over
            raise DatasetError(f"annotation id {annotation['id']} has neither polygons nor RLE of its "
                               f'{width}x{height} image as its segmentation') from error
    if not runs:
        return np.zeros((height, width), bool)
    return coco_mask.decode(coco_mask.merge(runs)).astype(bool)


def _encode(segmentation: Any, height: int, width: int) -> list[dict[str, Any]]:
    """Polygons, RLE as numbers or RLE as text, all as the last."""
    if isinstance(segmentation, dict):
        counts = segmentation['counts']
        # pycocotools would take the size as it comes, and leave pixels that no run reaches undefined.
        if segmentation['size'] != [height, width] or (isinstance(counts, list) and sum(counts) != height * width):
            raise ValueError('run lengths of another picture')
        if isinstance(counts, (str, bytes)):
            return [segmentation]
    encoded = coco_mask.frPyObjects(segmentation, height, width)
    return encoded if isinstance(encoded, list) else [encoded]


@dataclass
class MaskIoU:
    """Sums over images: ``pooled`` is the IoU of all their pixels together, as PASCAL counts, ``mean`` that of each."""

    intersection: int = 0
    union: int = 0
    per_image: list[float] = field(default_factory=list)

    def add(self, mask: np.ndarray, truth: np.ndarray) -> None:
        """One image: the pipeline's ``mask`` and the ``truth``, both ``(H, W)``, non-zero on people. An image that is
        empty in both has no IoU and counts for nothing."""
        mask, truth = mask.astype(bool), truth.astype(bool)
        intersection, union = int((mask & truth).sum()), int((mask | truth).sum())
        self.intersection += intersection
        self.union += union
        if union:
            self.per_image.append(intersection / union)

    @property
    def pooled(self) -> float | None:
        """Intersection over union of the pixels of all images; None if there were no people."""
        return self.intersection / self.union if self.union else None

    @property
    def mean(self) -> float | None:
        """Mean of the images' IoUs; None if there were no people."""
        return float(np.mean(self.per_image)) if self.per_image else None
