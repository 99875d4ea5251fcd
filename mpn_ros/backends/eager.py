"""The backend that runs everywhere PyTorch does."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch

from mpn_ros.backends.base import MOST_SHAPES
from mpn_ros.backends.packing import Packed
from mpn_ros.backends.torch_backend import Graph, TorchBackend, inference_graph, prepare
from mpn_ros.network.multiposenet import MultiPoseNet


class EagerBackend(TorchBackend):
    """PyTorch operator by operator: channels last, BatchNorm folded, in half precision where the device is fast at it.
    Nothing is built, so a new shape costs nothing."""

    name = 'eager'

    def __init__(self, network: MultiPoseNet, device: str = 'auto', precision: str = 'auto'):
        super().__init__(network, device, precision)
        self.network = prepare(network, self.device, self.dtype)
        self._graph_of = lru_cache(MOST_SHAPES)(lambda height, width: inference_graph(self.network, height, width))

    @torch.no_grad()
    def dense(self, images: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """``InferenceGraph.dense`` of the images, float32 on the device."""
        return self._graph_of(*images.shape[1:3]).dense(torch.from_numpy(images).to(self.device))

    def _batch(self, count: int) -> int:
        return count

    def _make(self, shape: tuple[int, ...]) -> Graph:
        return Packed(self._graph_of(*shape[1:3]))
