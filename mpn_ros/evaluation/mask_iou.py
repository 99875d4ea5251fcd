"""Intersection over union of the person mask with the labels' polygons (section 4.4: PASCAL's measure, one class)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


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
