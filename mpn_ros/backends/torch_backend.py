"""What the backends on PyTorch share: the network prepared for a device, a graph for each shape, the way to the device
and back."""

from __future__ import annotations

import copy
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch

from mpn_ros.backends.base import MOST_SHAPES, BackendInfo, Pixels
from mpn_ros.backends.folding import fold_batchnorm
from mpn_ros.backends.packing import unpack
from mpn_ros.backends.precision import resolve_precision
from mpn_ros.errors import BackendUnavailable
from mpn_ros.inference_graph import InferenceGraph
from mpn_ros.network.multiposenet import MultiPoseNet
from mpn_ros.raw_detections import RawDetections

Graph = Callable[[torch.Tensor], torch.Tensor]
"""Runs images ``(B, H, W, 3)`` uint8 of one shape, on the device: to ``(B, n)`` as ``Packed`` has it."""


def check_device(name: str) -> torch.device:
    """The device of that name, tried; 'auto' is a GPU where there is one. Raises BackendUnavailable."""
    if name == 'auto':
        name = 'cuda' if torch.cuda.is_available() else 'cpu'
    try:
        return torch.zeros(1, device=name).device
    except Exception as error:  # each kind of device has its own way to say that it is not there
        raise BackendUnavailable(f"PyTorch cannot use device '{name}' here: {str(error).splitlines()[0]}") from error


def say(dtype: torch.dtype) -> str:
    """The type as in descriptions: 'float16', 'bfloat16', 'float32'."""
    return str(dtype).removeprefix('torch.')


def prepare(network: MultiPoseNet, device: torch.device, dtype: torch.dtype) -> MultiPoseNet:
    """A copy as it runs best: eval mode, BatchNorm folded (in float32), channels last."""
    prepared = copy.deepcopy(network).float().eval()
    fold_batchnorm(prepared)
    prepared.to(device, dtype)
    prepared.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's types lack it
    return prepared


def inference_graph(network: MultiPoseNet, height: int, width: int) -> InferenceGraph:
    """The graph around a prepared network, in its type and on its device."""
    weight = next(network.parameters())
    graph = InferenceGraph(network, height, width).to(weight.device).eval()
    graph.normalise.to(weight.dtype)  # and not the anchors, which half precision would move
    return graph


class PinnedRunner:
    """The way of batches of one shape to a graph and back, through memory that is kept: page-locked where the device is
    a GPU, which then copies without the CPU."""

    def __init__(self, graph: Graph, shape: tuple[int, ...], device: torch.device):
        self._graph, self._device, self._pin = graph, device, device.type == 'cuda'
        self._images = torch.zeros(shape, dtype=torch.uint8, pin_memory=self._pin)
        self._answer: torch.Tensor | None = None

    def __call__(self, images: Pixels) -> np.ndarray:
        """Up to as many images as the shape has, to float32 ``(B, n)`` of as many."""
        answer = self._graph(self._complete(images))
        if self._answer is None:
            self._answer = torch.empty(answer.shape, pin_memory=self._pin)
        self._answer.copy_(answer)
        return self._answer[: len(images)].numpy().copy()

    def _complete(self, images: Pixels) -> torch.Tensor:
        """On the device, and as many as the shape has."""
        if isinstance(images, torch.Tensor):
            missing = len(self._images) - len(images)
            return torch.cat([images, images.new_zeros(missing, *images.shape[1:])]) if missing else images
        self._images[: len(images)] = torch.from_numpy(images)
        return self._images.to(self._device, non_blocking=True)


class TorchBackend(ABC):
    """A backend on PyTorch; ``_make`` is what tells one from another.

    precision: 'auto', 'fp16', 'bf16' or 'fp32'. Raises BackendUnavailable and ParameterError.
    """

    name: str

    def __init__(self, network: MultiPoseNet, device: str = 'auto', precision: str = 'auto'):
        self.device = check_device(device)
        self.dtype: torch.dtype = getattr(torch, resolve_precision(precision, self.device.type))
        self.network = network
        self._route = lru_cache(MOST_SHAPES)(self._prepare_route)

    @property
    def info(self) -> BackendInfo:
        """See ``Backend``."""
        return BackendInfo(
            self.name,
            say(self.dtype),
            str(self.device),
            max_batch_size=1 if self.device.type == 'cpu' else sys.maxsize,
            thread_affine=True,
            gpu=self.device if self.device.type == 'cuda' else None,
        )

    @torch.no_grad()
    def __call__(self, images: Pixels) -> RawDetections:
        """See ``Backend``."""
        count, height, width = images.shape[:3]
        answer = self._route(self._batch(count), height, width)(images)
        return unpack(answer, self.network.preset.keypoints, height, width)

    def _prepare_route(self, batch: int, height: int, width: int) -> PinnedRunner:
        shape = (batch, height, width, 3)
        return PinnedRunner(self._make(shape), shape, self.device)

    def _batch(self, count: int) -> int:
        """The batch that so many images run in: each is built once, so the next power of two; the rest is not looked
        at."""
        return 1 << (count - 1).bit_length()

    @abstractmethod
    def _make(self, shape: tuple[int, ...]) -> Graph:
        """What runs batches of that shape ``(B, H, W, 3)``. Raises BackendUnavailable where there is no such."""
