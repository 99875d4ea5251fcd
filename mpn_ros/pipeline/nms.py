"""Non-maximum suppression."""

from __future__ import annotations

import numpy as np

from mpn_ros.boxes import box_iou


def nms(boxes: np.ndarray, *, score_threshold: float, iou_threshold: float, max_boxes: int) -> np.ndarray:
    """Greedy non-maximum suppression (section 3.5 of the paper, with 0.3 as the threshold).

    Args:
        boxes: ``(N, 5)`` x0, y0, x1, y1, score, best first.
        score_threshold: boxes with a lower score go.
        iou_threshold: boxes go that overlap a better one by more than this intersection over union.
        max_boxes: the most that stay.

    Returns:
        ``(M, 5)``, the boxes that stay, best first.

    Examples:
        >>> boxes = np.array([[0, 0, 10, 10, 0.9], [1, 0, 10, 10, 0.8], [20, 0, 30, 10, 0.7]])
        >>> nms(boxes, score_threshold=0.5, iou_threshold=0.4, max_boxes=20)[:, 4]
        array([0.9, 0.7])
    """
    boxes = boxes[boxes[:, 4] >= score_threshold]
    return boxes[greedy_nms(box_iou(boxes[:, :4], boxes[:, :4]), iou_threshold)[:max_boxes]]


def greedy_nms(similarity: np.ndarray, threshold: float) -> list[int]:
    """Greedy suppression by any similarity.

    Args:
        similarity: ``(N, N)``; row i is how much every other resembles the better one i. Rows are sorted best first.
        threshold: j stays if ``similarity[i, j] <= threshold`` for every i that stays before it.

    Returns:
        The indices that stay, in order.
    """
    kept: list[int] = []
    alive = np.ones(len(similarity), bool)
    for index in range(len(similarity)):
        if alive[index]:
            kept.append(index)
            alive &= similarity[index] <= threshold
    return kept
