"""What a backend is: something that runs the perception graph."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from mpn_ros.perception import Perceived


class Backend(Protocol):
    """Runs ``Perception`` on batches. ``description`` says what runs where, for logs and summaries."""

    description: str

    def __call__(self, images: np.ndarray) -> Perceived:
        """``(B, H, W, 3)`` uint8 RGB, sides multiples of 32, to float32 arrays. Shapes may change between calls; a new
        one may cost preparation."""
        ...
