"""The blur of the PRN's input, as matrices; without torch, for inference needs them too."""

from __future__ import annotations

import numpy as np


def blur_reach(sigma: float) -> int:
    """How many cells to each side the Gaussian of ``sigma`` cells is cut off."""
    return int(4 * sigma + 0.5)


def blur_matrix(cells: int, sigma: float) -> np.ndarray:
    """``(cells, cells)`` float32: the Gaussian of ``sigma`` cells along one axis, as a matrix whose column j is what a
    1 in cell j becomes. Beyond the border the border's own value is repeated; the kernel sums to one. The identity
    where ``sigma`` is 0."""
    if sigma == 0:
        return np.eye(cells, dtype=np.float32)
    reach = blur_reach(sigma)
    offsets = np.arange(-reach, reach + 1)
    kernel = np.exp(-0.5 * (offsets / sigma) ** 2)
    rows = np.arange(cells)[:, None]
    matrix = np.zeros((cells, cells))
    np.add.at(matrix, (rows, (rows + offsets).clip(0, cells - 1)), kernel / kernel.sum())
    return matrix.astype(np.float32)
