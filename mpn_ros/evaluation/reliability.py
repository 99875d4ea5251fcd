"""Whether a score that is meant as a probability is one: what is stated beside what came true."""

from __future__ import annotations

import numpy as np


def reliability(stated: np.ndarray, right: np.ndarray, bins: int = 10) -> list[dict[str, float]]:
    """For each of ``bins`` equal ranges of ``stated`` ``(N,)`` 0..1 with something in it: ``count``, how many,
    ``stated``, their mean, and ``right``, the share of them that is (``(N,)`` bool). The two are equal where the score
    is honest."""
    place = (stated * bins).astype(int).clip(0, bins - 1)
    return [
        {'count': int(inside.sum()), 'stated': float(stated[inside].mean()), 'right': float(right[inside].mean())}
        for index in range(bins)
        if (inside := place == index).any()
    ]
