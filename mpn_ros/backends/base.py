"""What a backend is: something that runs the inference graph. Nothing here loads torch."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True)
class BackendInfo:
    """What a backend says of itself. As a ``str`` it is what logs and summaries show.

    Attributes:
        name: What runs the network, as in ``backend:=NAME``.
        dtype: The numbers it computes with: 'float32', 'float16' or 'bfloat16'.
        device: Where: 'cpu', 'cuda:0' ...
        max_batch_size: The most images that are faster at once than one after the other; 1 on a CPU.
        thread_affine: Whether all calls should come from the same thread, to which something belongs: a pool, a stream,
            what it has recorded.
        concurrent: Whether several threads may call at once: one that has a new shape to prepare lets the others go on.
        gpu: The GPU on which images may lie already; None where they must be an array.

    Examples:
        >>> str(BackendInfo('openvino', 'bfloat16'))
        'openvino bfloat16 on cpu'
    """

    name: str
    dtype: str
    device: str = 'cpu'
    max_batch_size: int = 1
    thread_affine: bool = False
    concurrent: bool = False
    gpu: torch.device | None = None

    def __str__(self) -> str:
        return f'{self.name} {self.dtype} on {self.device}'


class Backend(Protocol):
    """Runs ``InferenceGraph`` on batches."""

    @property
    def info(self) -> BackendInfo:
        """What runs where, and how it wants to be called. It changes where another backend or precision steps in."""
        ...

    def __call__(self, images: Pixels) -> RawDetections:
        """What the network sees. Shapes may change between calls; a new one may cost preparation.

        Args:
            images: ``(B, H, W, 3)`` uint8 RGB, sides multiples of 32; a tensor only on ``info.gpu``.

        Returns:
            Float32 arrays.

        Raises:
            BackendUnavailable: A new shape cannot be prepared.
        """
        ...
