"""What a backend is: something that runs the inference graph. Nothing here loads torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np

from mpn_ros.presets import Preset
from mpn_ros.raw_detections import RawDetections

if TYPE_CHECKING:
    import torch

    from mpn_ros.network.multiposenet import MultiPoseNet

MOST_SHAPES = 16
"""Shapes of input for which a backend keeps what it has prepared."""

Pixels: TypeAlias = 'np.ndarray | torch.Tensor'
"""Images ``(B, H, W, 3)`` uint8 RGB, sides multiples of 32: an array, or a tensor on the backend's GPU."""


class NetworkSource(Protocol):
    """Where a backend has its network from: ``Weights``. One that has compiled it before need not build it again."""

    @property
    def preset(self) -> Preset:
        """The design."""
        ...

    def network_digest(self) -> str:
        """What tells the network's tensors from others: the name of what was compiled."""
        ...

    def network(self) -> MultiPoseNet:
        """The network in eval mode. Raises WeightsError where the tensors do not fit the preset."""
        ...


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
