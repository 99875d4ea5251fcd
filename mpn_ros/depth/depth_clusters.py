"""What a depth image shows around a pixel: the surfaces there, nearest first, never a mean of two of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

SURFACES = 3
"""Surfaces told apart in a window: what hides the person, the person, what is behind."""
THICKNESS, THICKNESS_PER_METRE = 0.06, 0.02
"""Extent of one surface along the optical axis, metres: a limb's curvature, and a sensor's noise that grows with the
distance."""
SHARE, SAMPLES = 0.2, 4
"""Least share of a window's valid samples, and least number of them, that make a surface; fewer are flying pixels."""

_GRID = np.stack(np.meshgrid(*[np.linspace(-1, 1, 7)] * 2), axis=-1).reshape(-1, 2)
_DISC = _GRID[np.hypot(*_GRID.T) <= 1]


class DepthClusters(NamedTuple):
    """Surfaces in J windows, nearest first, NaN where there are no more.

    Attributes:
        depth: ``(J, SURFACES)`` metres.
        spread: ``(J, SURFACES)`` metres: the robust standard deviation of a surface's samples.
        share: ``(J, SURFACES)``: of the window's valid samples, 0..1.
    """

    depth: np.ndarray
    spread: np.ndarray
    share: np.ndarray


def find_depth_clusters(depth: np.ndarray, centres: np.ndarray, radii: np.ndarray) -> DepthClusters:
    """The surfaces around pixels of a depth image.

    Args:
        depth: ``(h, w)``: floats are metres, integers millimetres; 0, negative, NaN and infinite values are no
            measurement. What of a window is outside of the image, or has a NaN centre, is none either.
        centres: ``(J, 2)``: x and y in pixels of ``depth``.
        radii: ``(J,)`` pixels of ``depth``.

    Returns:
        Up to ``SURFACES`` of each window.

    Examples:
        >>> wall = np.full((20, 20), 3.0)
        >>> wall[:, 10:] = 2.0
        >>> find_depth_clusters(wall, np.array([[10.0, 10.0]]), np.array([4.0])).depth.round(2)
        array([[ 2.,  3., nan]])
    """
    samples = _sample(depth, centres, radii)
    valid = np.isfinite(samples).sum(-1)
    needed = np.maximum(SHARE * valid, SAMPLES)
    floor = np.zeros(len(samples))
    found = []
    for _ in range(SURFACES):
        surface, spread, count = _nearest(samples, floor, needed)
        found.append((surface, spread, count / np.maximum(valid, 1)))
        floor = surface + _thickness(surface) / 2  # NaN finds nothing more
    return DepthClusters(*(np.stack(values, axis=-1) for values in zip(*found, strict=True)))


def _sample(depth: np.ndarray, centres: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """``(J, n)`` metres, ascending, infinite where there is no measurement."""
    height, width = depth.shape
    with np.errstate(invalid='ignore'):
        x, y = np.moveaxis(np.rint(centres[:, None] + radii[:, None, None] * _DISC), -1, 0)
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    samples = np.full(inside.shape, np.inf)
    samples[inside] = depth[y[inside].astype(int), x[inside].astype(int)]
    if np.issubdtype(depth.dtype, np.integer):
        samples /= 1000
    samples[~(samples > 0)] = np.inf
    return np.sort(samples, axis=-1)


def _thickness(depth: np.ndarray) -> np.ndarray:
    return THICKNESS + THICKNESS_PER_METRE * depth


def _nearest(samples: np.ndarray, floor: np.ndarray, needed: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Depth, spread and number of samples of the nearest surface beyond ``floor`` ``(J,)`` metres, NaN if none.

    The nearest sample that has enough others within a surface's thickness behind it starts the surface; its median is
    then moved to where the samples are densest (mean shift), since the first of them are the noise's near side."""
    reach = samples + _thickness(samples)
    behind = (samples[:, None, :] <= reach[:, :, None]).sum(-1) - np.arange(samples.shape[1])
    starts = np.isfinite(samples) & (samples > floor[:, None]) & (behind >= needed[:, None])
    found = starts.any(-1)[:, None]
    start = starts.argmax(-1)[:, None]
    low, high = np.take_along_axis(samples, start, 1), np.take_along_axis(reach, start, 1)
    for _ in range(3):
        members = (samples >= low) & (samples <= high) & found
        count = members.sum(-1, keepdims=True)
        middle = np.take_along_axis(samples, members.argmax(-1)[:, None] + count // 2, 1)
        middle = np.where(found, middle, 0)
        low, high = middle - _thickness(middle) / 2, middle + _thickness(middle) / 2
    distances = np.sort(np.where(members, np.abs(samples - middle), np.inf), axis=-1)
    spread = 1.4826 * np.take_along_axis(distances, count // 2, 1)  # of a normal distribution
    middle, spread, count = np.where(found, (middle, spread, count), np.nan)
    return middle[:, 0], spread[:, 0], count[:, 0]
