"""Who gets what where several want the same: the assignment of the highest sum, for people and peaks as for tracks."""

from __future__ import annotations

import numpy as np


def best_assignment(gain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns ``(min(R, C),)`` of ``gain`` ``(R, C)`` that have the highest sum, each of them once."""
    # Here: scipy takes half a second to load, which nobody should wait for who has no dispute to settle.
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(gain, maximize=True)
    return rows, columns


def warm() -> None:
    """Loads what the first dispute would otherwise wait for."""
    best_assignment(np.zeros((1, 1)))
