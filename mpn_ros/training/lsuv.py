"""Brings the channels of a copied keypoint subnet to one size without changing what it computes: LSUV initialization.

MoveNet's pyramid works with activations of 80 on its coarsest level and 0.4 on its finest, and channels that are new
beside copied ones start larger still. Adam moves every weight by the same small step; where a weight meets an
activation of 80 that step is a leap, and what was copied is gone after a few of them. So every channel is scaled to a
root mean square of 1 on real images, and the layer that reads it is scaled back. New channels are scaled alone (after
Mishkin and Matas, "All you need is a good init", ICLR 2016).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from mpn_ros.network.multiposenet import MultiPoseNet

_DEAD = 1e-3  # a channel below this says nothing whose size could be told


def _scales(activations: torch.Tensor) -> torch.Tensor:
    size = activations.square().mean((0, 2, 3)).sqrt()
    return torch.where(size > _DEAD, 1 / size.clamp(min=_DEAD), torch.ones_like(size))


def _scale_outputs(conv: nn.Conv2d, scales: torch.Tensor) -> None:
    conv.weight.mul_(scales[:, None, None, None])
    conv.bias.mul_(scales)


def _scale_inputs(conv: nn.Conv2d, scales: torch.Tensor) -> None:
    conv.weight.mul_(scales[None, :, None, None])


@torch.no_grad()
def equalize_channels(network: MultiPoseNet, images: torch.Tensor, copied: Sequence[int]) -> None:
    """Scales the keypoint pyramid and subnet of a separable preset with 'smoothed' top-down path, as `lite`.

    images: normalised ``(B, 3, H, W)``. copied: how many channels of K2..K5 carry something; what they feed is scaled
    back, so that heatmaps that rest on them alone stay as they are, while channels after them are only scaled.
    """
    features = network.backbone(images)
    pyramid, head = network.keypoint_pyramid, network.keypoint_head
    coarsest = len(pyramid.lateral) - 1
    for level in reversed(range(len(pyramid.lateral))):
        if level < coarsest:  # the channels that the lateral adds to nothing copied
            fresh = pyramid.lateral[level]
            scales = _scales(fresh(features[level]))
            scales[: copied[level + 1]] = 1
            _scale_outputs(fresh, scales)
        scales = _scales(pyramid(features)[level])
        _scale_outputs(pyramid.lateral[level] if level == coarsest else pyramid.smooth[level][1], scales)
        back = 1 / scales
        back[copied[level] :] = 1
        _scale_inputs(head.down[level][0][1], back)
        if level > 0:
            finer = scales.clone()
            finer[copied[level] :] = 1
            _scale_outputs(pyramid.lateral[level - 1], finer)
            _scale_inputs(pyramid.smooth[level - 1][1], back)
    levels = pyramid(features)
    for down, maps in list(zip(head.down, levels))[1:]:  # D2 is copied; the others are new
        for index in (0, 2):
            _scale_outputs(down[index][1], _scales(down[: index + 1](maps)))
