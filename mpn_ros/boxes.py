"""Boxes in numpy: x0, y0, x1, y1 edges."""

from __future__ import annotations

import numpy as np


def box_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes ``(N, 4)`` with boxes ``(M, 4)``: ``(N, M)``, 0..1; 0 where a box is empty."""
    shared = (np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2])).clip(0).prod(-1)
    area_a, area_b = ((boxes[:, 2:] - boxes[:, :2]).clip(0).prod(-1) for boxes in (a, b))
    return shared / np.maximum(area_a[:, None] + area_b - shared, 1e-9)
