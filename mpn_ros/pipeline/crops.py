"""The peaks in a person's box, as the Pose Residual Network sees them: in coordinates of the crop."""

from __future__ import annotations

import numpy as np


def expand(boxes: np.ndarray, margin: float) -> np.ndarray:
    """``boxes`` ``(..., 4)`` x0, y0, x1, y1 with ``margin`` of their size added on each side: the crop."""
    corner, size = boxes[..., :2], boxes[..., 2:4] - boxes[..., :2]
    return np.concatenate([corner - margin * size, corner + (1 + margin) * size], -1)


def into_crop(points: np.ndarray, crops: np.ndarray) -> np.ndarray:
    """Points ``(P or 1, K, N, 3)`` x, y, score in pixels as seen in crops ``(P, 4)``: ``(P, K, N, 3)`` float32 x and y
    0..1 from edge to edge, and the score, 0 for points that are outside."""
    corner, size = crops[:, None, None, :2], (crops[:, 2:] - crops[:, :2])[:, None, None]
    xy = (points[..., :2] + .5 - corner) / np.maximum(size, 1e-6)
    inside = ((xy >= 0) & (xy < 1)).all(-1)
    score = np.where(inside, points[..., 2], 0)
    return np.concatenate([xy, score[..., None]], -1).astype(np.float32)


def compact(crops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Moves the used rows (score above 0) of ``(P, K, N, 3)`` to the front, in their order, and cuts N to what is
    needed, at least 1. Returns them and ``(P, K, N)``, the rows they had."""
    used = crops[..., 2] > 0
    count = max(1, int(used.sum(-1).max(initial=0)))
    rows = np.argsort(~used, axis=-1, kind='stable')[..., :count]
    return np.take_along_axis(crops, rows[..., None], 2), rows
