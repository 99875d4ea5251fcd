"""A skeleton in a panel of matplotlib, in the colours of ``pipeline.draw``."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from mpn_ros.pipeline.draw import SIDES, body_side
from mpn_ros.skeleton import SkeletonLayout


def plot_skeleton(panel: Axes, pose: np.ndarray, layout: SkeletonLayout) -> None:
    """Bones and keypoints of a pose ``(K, 2)``; what is NaN is left out."""
    for a, b in layout.edges:
        panel.plot(pose[[a, b], 0], pose[[a, b], 1], color=colour(layout, a, b), linewidth=3)
    panel.scatter(pose[:, 0], pose[:, 1], color='black', s=8, zorder=3)


def frame(panel: Axes, x0: float, y0: float, x1: float, y1: float, title: str) -> None:
    """Shows that part of the plane, y downwards, without scales."""
    panel.set(xlim=(x0, x1), ylim=(y1, y0), xticks=[], yticks=[], aspect='equal', title=title)


def colour(layout: SkeletonLayout, *keypoints: int) -> tuple[float, float, float]:
    """That of a side, red, green and blue 0..1."""
    blue, green, red = SIDES[body_side(layout, *keypoints)]
    return red / 255, green / 255, blue / 255
