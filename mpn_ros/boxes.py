"""Boxes in numpy: x0, y0, x1, y1 edges."""

from __future__ import annotations

import numpy as np


def box_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes ``(N, 4)`` with boxes ``(M, 4)``: ``(N, M)``, 0..1; 0 where a box is empty."""
    # Coordinate by coordinate: NumPy is slow where the last axis has two numbers.
    (ax0, ay0, ax1, ay1), (bx0, by0, bx1, by1) = a.T[..., None], b.T
    shared = _length(np.maximum(ax0, bx0), np.minimum(ax1, bx1)) * _length(np.maximum(ay0, by0), np.minimum(ay1, by1))
    area_a, area_b = _length(ax0, ax1) * _length(ay0, ay1), _length(bx0, bx1) * _length(by0, by1)
    return shared / np.maximum(area_a + area_b - shared, 1e-9)


def _length(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    return np.maximum(end - start, 0)
