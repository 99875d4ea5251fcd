"""The backend that runs everywhere PyTorch does."""

from __future__ import annotations

import numpy as np
import torch

from mpn_ros.errors import BackendUnavailable
from mpn_ros.network.multiposenet import MultiPoseNet
from mpn_ros.perception import Perceived, Perception


def check_device(name: str) -> torch.device:
    """The device of that name, tried. Raises BackendUnavailable."""
    try:
        return torch.zeros(1, device=name).device
    except Exception as error:  # each kind of device has its own way to say that it is not there
        raise BackendUnavailable(f"PyTorch cannot use device '{name}' here: {str(error).splitlines()[0]}") from error


class EagerBackend:
    """PyTorch, channels last; float32 on a CPU, float16 on a GPU."""

    def __init__(self, network: MultiPoseNet, device: str = 'auto'):
        if device == 'auto':
            device = 'cuda' if torch.cuda.is_available() else 'cpu'
        self.device = check_device(device)
        self.dtype = torch.float16 if self.device.type == 'cuda' else torch.float32
        self.network = network.eval().to(self.device, self.dtype)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's types lack it
        self.description = f'eager {str(self.dtype).removeprefix("torch.")} on {self.device}'
        self._graphs: dict[tuple[int, int], Perception] = {}

    @torch.inference_mode()
    def __call__(self, images: np.ndarray) -> Perceived:
        seen = self._graph(images)(torch.from_numpy(images).to(self.device))
        return Perceived(*(part.float().cpu().numpy() for part in seen))

    @torch.inference_mode()
    def dense(self, images: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """``Perception.dense`` of the images, float32 on the device."""
        heatmaps, boxes = self._graph(images).dense(torch.from_numpy(images).to(self.device))
        return heatmaps, boxes

    def _graph(self, images: np.ndarray) -> Perception:
        height, width = images.shape[1:3]
        if (height, width) not in self._graphs:
            graph = Perception(self.network, height, width).to(self.device)
            graph.normalise.to(self.dtype)  # and not the anchors, which half precision would move
            self._graphs[height, width] = graph
        return self._graphs[height, width]
