"""Networks and pictures that backends are compared on."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from mpn_ros.network.anchors import PER_CELL
from mpn_ros.network.keypoint_head import KeypointHead
from mpn_ros.network.multiposenet import MultiPoseNet, NetworkOutput
from mpn_ros.presets import preset


@pytest.fixture(scope='session')
def network():
    """A network with strong answers: untrained, but with outputs far from their cautious start."""
    torch.manual_seed(0)
    network = MultiPoseNet(preset('lite')).eval()
    torch.nn.init.normal_(network.keypoint_head.heatmaps.weight, std=0.5)
    torch.nn.init.zeros_(network.keypoint_head.heatmaps.bias)
    return network


class SmallNetwork(nn.Module):
    """All that ``InferenceGraph`` asks of a network, with as little as possible inside: it compiles in seconds."""

    anchor_strides = (8,)

    def __init__(self):
        super().__init__()
        self.preset = preset('lite')
        self.stem = nn.Conv2d(3, 8, 3, 4, 1, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.heatmaps = nn.Conv2d(8, 18, 1)
        self.detector = nn.Conv2d(8, PER_CELL * 5, 3, 2, 1)

    keypoint_head = property(lambda self: self)
    config = property(lambda self: self.preset.keypoint_head)
    scores = KeypointHead.scores

    def forward(self, images):
        features = torch.relu(self.norm(self.stem(images)))
        found = self.detector(features).permute(0, 2, 3, 1).flatten(1).unflatten(1, (-1, 5))
        return NetworkOutput(self.heatmaps(features), (), found[..., 0], found[..., 1:])


@pytest.fixture(scope='session')
def small_network():
    torch.manual_seed(0)
    network = SmallNetwork().eval()
    nn.init.uniform_(network.norm.running_var, 0.5, 2)
    nn.init.normal_(network.heatmaps.weight)
    return network


@pytest.fixture(scope='session')
def images():
    coarse = np.random.default_rng(0).integers(0, 255, (2, 4, 6, 3), np.uint8)
    return np.stack([cv2.resize(picture, (96, 64), interpolation=cv2.INTER_CUBIC) for picture in coarse])
