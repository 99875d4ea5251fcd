"""A folded network is the network."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from mpn_ros.backends.folding import fold_batchnorm
from mpn_ros.network.mobilenet import MobileNet
from mpn_ros.network.resnet import ResNet


@pytest.mark.parametrize('backbone', [lambda: ResNet('resnet50'), MobileNet])
def test_a_folded_backbone_answers_the_same(backbone):
    torch.manual_seed(0)
    plain = backbone().eval()
    for norm in plain.modules():
        if isinstance(norm, nn.BatchNorm2d):
            nn.init.uniform_(norm.running_mean, -0.2, 0.2)
            nn.init.uniform_(norm.running_var, 0.5, 2)
            nn.init.uniform_(norm.weight, 0.2, 0.8)
            nn.init.uniform_(norm.bias, -0.2, 0.2)
    folded = copy.deepcopy(plain)
    fold_batchnorm(folded)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        for ours, theirs in zip(folded(images), plain(images), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)


def test_norms_that_share_a_convolution_stay(network):
    folded = copy.deepcopy(network)
    fold_batchnorm(folded)
    count = [sum(isinstance(module, nn.BatchNorm2d) for module in net.detector.modules()) for net in (folded, network)]
    assert count[0] == count[1] > 0
