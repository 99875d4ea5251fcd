"""Intersection over union of the person mask with the labels' polygons (section 4.4: PASCAL's measure, one class)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass
class MaskIoU:
    """Counts of images: ``pooled`` is the IoU of all their pixels together, as PASCAL counts, ``mean`` that of each."""

    counts: list[tuple[int, int]] = field(default_factory=list)
    """Pixels of the intersection and of the union, for each image."""

    def add(self, mask: np.ndarray, truth: np.ndarray) -> None:
        """One image: the pipeline's ``mask`` and the ``truth``, both ``(H, W)``, non-zero on people. An image that is
        empty in both has no IoU and counts for nothing."""
        mask, truth = mask.astype(bool), truth.astype(bool)
        self.counts.append((int((mask & truth).sum()), int((mask | truth).sum())))

    def over(self, rows: Sequence[int] | np.ndarray | None = None) -> float:
        """The IoU of the pixels of the images of these rows together, each as often as it is named; of all where
        ``rows`` is None. NaN where nobody is in them."""
        counts = np.asarray(self.counts, float).reshape(-1, 2)
        intersection, union = (counts if rows is None else counts[rows]).sum(0)
        return float(intersection / union) if union else float('nan')

    @property
    def pooled(self) -> float | None:
        """Intersection over union of the pixels of all images; None if there were no people."""
        found = self.over()
        return None if np.isnan(found) else found

    @property
    def mean(self) -> float | None:
        """Mean of the images' IoUs; None if there were no people."""
        each = [intersection / union for intersection, union in self.counts if union]
        return float(np.mean(each)) if each else None
