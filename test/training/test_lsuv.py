"""Settling changes the size of activations, not what a copied subnet computes."""

import pytest
import torch

from mpn_ros.network.multiposenet import MultiPoseNet
from mpn_ros.presets import preset
from mpn_ros.training.lsuv import equalize_channels

COPIED = (24, 24, 32, 64)


@pytest.fixture(scope='module')
def settled():
    """A `lite` whose heatmaps rest on the copied channels alone, with activations as uneven as those of MoveNet; before
    and after."""
    torch.manual_seed(0)
    network, images = MultiPoseNet(preset('lite')).eval(), torch.randn(2, 3, 96, 96)
    with torch.no_grad():
        pyramid, head = network.keypoint_pyramid, network.keypoint_head
        for level, size in enumerate((300.0, 10.0, 70.0, 80.0)):
            pyramid.lateral[level].weight.mul_(size)
        for level in range(3):  # copied channels are made of copied channels
            pyramid.smooth[level][1].weight[: COPIED[level], COPIED[level + 1] :] = 0
            pyramid.smooth[level][1].weight.mul_(3)
        head.down[0][0][1].weight[:, COPIED[0] :] = 0
        head.fusion[1].weight[:, 96:] = 0
        torch.nn.init.normal_(head.heatmaps.weight, std=5.0)
        before = network(images).heatmaps
        equalize_channels(network, images, COPIED)
    return network, images, before


def test_the_heatmaps_stay(settled):
    network, images, before = settled
    with torch.no_grad():
        after = network(images).heatmaps
    assert before.std() > 0.1
    torch.testing.assert_close(after, before, rtol=0, atol=1e-3 * before.std().item())


def test_every_living_channel_of_the_pyramid_has_a_size_of_one(settled):
    network, images, _ = settled
    with torch.no_grad():
        levels = network.keypoint_pyramid(network.backbone(images))
    for level in levels:
        size = level.square().mean((0, 2, 3)).sqrt()
        torch.testing.assert_close(size[size > 1e-3], torch.ones(int((size > 1e-3).sum())), rtol=1e-3, atol=1e-3)


def test_new_branches_speak_as_loud_as_each_other(settled):
    network, images, _ = settled
    with torch.no_grad():
        levels = network.keypoint_pyramid(network.backbone(images))
        sizes = [
            down(level).square().mean().sqrt().item() for down, level in zip(network.keypoint_head.down[1:], levels[1:])
        ]
    assert all(0.3 < size < 1.1 for size in sizes)
