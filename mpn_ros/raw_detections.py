"""What the network sees, in numbers: the words between a backend and the pipeline, without anything that computes."""

from __future__ import annotations

from typing import Any, NamedTuple

PEAKS = 30
"""Peaks kept for each keypoint of an image."""
BOXES = 300
"""Boxes kept of an image, before suppression. A large person fills dozens of cells: with 100, small people beside one
were lost (box AP50 on validation images 54.2 instead of 56.2; 100 of all anchors, not the best of each cell: 49.4)."""


class RawDetections(NamedTuple):
    """What one forward pass sees, in pixels of the network's input: torch tensors inside the graph, float32 numpy
    arrays from a backend.

    peaks: ``(B, K, PEAKS, 3)`` x, y, score 0..1, best first; score 0 where there are fewer.
    boxes: ``(B, BOXES, 5)`` x0, y0, x1, y1, score 0..1, best first, the best anchor of each cell, not suppressed yet.
    person: ``(B, H/4, W/4)`` probability that a pixel belongs to a person, ``(B, 0, 0)`` where a network has none.
    """

    peaks: Any
    boxes: Any
    person: Any
