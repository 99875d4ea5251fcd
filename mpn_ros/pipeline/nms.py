"""Non-maximum suppression."""

from __future__ import annotations

import numpy as np

from mpn_ros.boxes import box_iou


def suppress(boxes: np.ndarray, *, score: float, overlap: float, limit: int) -> np.ndarray:
    """Boxes ``(N, 5)`` x0, y0, x1, y1, score, best first, to the ``(M, 5)`` that stay: at least ``score``, not
    overlapping a better one by more than ``overlap`` (intersection over union; 0.3 in the paper, section 3.5), at most
    ``limit``."""
    boxes = boxes[boxes[:, 4] >= score]
    return boxes[unlike(box_iou(boxes[:, :4], boxes[:, :4]), overlap)[:limit]]


def unlike(similarity: np.ndarray, most: float) -> list[int]:
    """Of things that are sorted best first, the indices of those that stay: who has a ``similarity`` ``(N, N)`` of at
    most ``most`` with every better one that stays; ``similarity[i]`` is that of all with the better one i."""
    kept: list[int] = []
    alive = np.ones(len(similarity), bool)
    for index in range(len(similarity)):
        if alive[index]:
            kept.append(index)
            alive &= similarity[index] <= most
    return kept
