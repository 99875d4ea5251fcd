"""Non-maximum suppression of person boxes."""

from __future__ import annotations

import numpy as np

from mpn_ros.boxes import box_iou


def suppress(boxes: np.ndarray, *, score: float, overlap: float, limit: int) -> np.ndarray:
    """Boxes ``(N, 5)`` x0, y0, x1, y1, score, best first, to the ``(M, 5)`` that stay: at least ``score``, not
    overlapping a better one by more than ``overlap`` (intersection over union; 0.3 in the paper, section 3.5), at most
    ``limit``."""
    boxes = boxes[boxes[:, 4] >= score]
    iou = box_iou(boxes[:, :4], boxes[:, :4])
    kept: list[int] = []
    alive = np.ones(len(boxes), bool)
    for index in range(len(boxes)):
        if alive[index] and len(kept) < limit:
            kept.append(index)
            alive &= iou[index] <= overlap
    return boxes[kept]
