"""The peaks in a person's box, as the Pose Residual Network sees them: in coordinates of the crop."""

from __future__ import annotations

import numpy as np


def expand(boxes: np.ndarray, margin: float) -> np.ndarray:
    """``boxes`` ``(..., 4)`` x0, y0, x1, y1 with ``margin`` of their size added on each side: the crop."""
    corner, size = boxes[..., :2], boxes[..., 2:4] - boxes[..., :2]
    return np.concatenate([corner - margin * size, corner + (1 + margin) * size], -1)


def to_crop_coordinates(points: np.ndarray, crops: np.ndarray) -> np.ndarray:
    """Points ``(P or 1, K, N, 3)`` x, y, score in pixels as seen in crops ``(P, 4)``: ``(P, K, N, 3)`` float32 x and y
    0..1 from edge to edge, and the score, 0 for points that are outside."""
    left, top, right, bottom = np.moveaxis(crops[:, None, None], -1, 0)
    x = (points[..., 0] + 0.5 - left) / np.maximum(right - left, 1e-6)
    y = (points[..., 1] + 0.5 - top) / np.maximum(bottom - top, 1e-6)
    inside = (x >= 0) & (x < 1) & (y >= 0) & (y < 1)
    seen = np.empty((*inside.shape, 3), np.float32)
    seen[..., 0], seen[..., 1], seen[..., 2] = x, y, points[..., 2] * inside
    return seen


def compact(crops: np.ndarray) -> np.ndarray:
    """Moves the used rows (score above 0) of ``(P, K, N, 3)`` to the front, in their order, and cuts N to what is
    needed, at least 1."""
    used = crops[..., 2] > 0
    count = max(1, int(used.sum(-1).max(initial=0)))
    rows = np.argsort(~used, axis=-1, kind='stable')[..., :count]
    return np.take_along_axis(crops, rows[..., None], 2)
