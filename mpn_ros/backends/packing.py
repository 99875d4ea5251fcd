"""One output in place of three: a device answers with one tensor, which is copied to the host at once."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from mpn_ros.conventions import HEATMAP_STRIDE
from mpn_ros.inference_graph import InferenceGraph
from mpn_ros.raw_detections import PEAKS, RawDetections


class Packed(nn.Module):
    """``InferenceGraph`` whose answer is one float32 tensor ``(B, n)``: peaks, boxes and person of each image, flat."""

    def __init__(self, graph: InferenceGraph):
        super().__init__()
        self.inference_graph = graph  # not "graph": what torch exports has one of its own

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.cat([part.float().flatten(1) for part in self.inference_graph(images)], 1)


def unpack(packed: np.ndarray, keypoints: int, height: int, width: int) -> RawDetections:
    """The parts of ``(B, n)``, without a copy; height and width are those of the network's input."""
    rows, columns = height // HEATMAP_STRIDE, width // HEATMAP_STRIDE
    peaks, boxes, person = np.split(packed, (keypoints * PEAKS * 3, packed.shape[1] - rows * columns), 1)
    return RawDetections(
        peaks.reshape(-1, keypoints, PEAKS, 3), boxes.reshape(len(packed), -1, 5), person.reshape(-1, rows, columns)
    )
