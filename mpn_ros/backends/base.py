"""What a backend is: something that runs the inference graph."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch

from mpn_ros.inference_graph import RawDetections

MOST_SHAPES = 16
"""Shapes of input for which a backend keeps what it has prepared."""


Pixels = np.ndarray | torch.Tensor
"""Images ``(B, H, W, 3)`` uint8 RGB, sides multiples of 32: an array, or a tensor on the backend's GPU."""


class Backend(Protocol):
    """Runs ``InferenceGraph`` on batches."""

    @property
    def description(self) -> str:
        """What runs where, for logs and summaries."""
        ...

    @property
    def max_batch_size(self) -> int:
        """The most images that are faster at once than one after the other: on a CPU 1."""
        ...

    @property
    def thread_affine(self) -> bool:
        """Whether all calls should come from the same thread, to which something belongs: a pool, a stream, what it has
        recorded."""
        ...

    @property
    def gpu(self) -> torch.device | None:
        """The GPU on which images may lie already; None where they must be an array."""
        ...

    def __call__(self, images: Pixels) -> RawDetections:
        """To float32 arrays. Shapes may change between calls; a new one may cost preparation. Raises BackendUnavailable
        where that fails."""
        ...
