"""What stands between the subnets: normalisation of pixels, the two kinds of 3x3 convolution, upsampling between
pyramid levels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from mpn_ros.presets import Preprocessing


class Normalise(nn.Module):
    """``(B, H, W, 3)`` RGB 0..255 of any type to ``(B, 3, H, W)`` as the network wants it, in the type of its
    buffers."""

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, preprocessing: Preprocessing):
        super().__init__()
        self.register_buffer('mean', torch.tensor(preprocessing.mean), persistent=False)
        self.register_buffer('std', torch.tensor(preprocessing.std), persistent=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        # TensorRT does nothing with uint8 but convert it: first the type. The order is last: that is free where the
        # convolutions have the channels last, as OpenVINO's.
        return ((images.to(self.mean.dtype) - self.mean) / self.std).permute(0, 3, 1, 2)


def init_normal_(weight: torch.Tensor, std: float) -> None:
    """Normally distributed values. None for a tensor of the device ``meta``, which has no place for them: PyTorch would
    import its compiler to leave them out, which takes a second."""
    if not weight.is_meta:
        nn.init.normal_(weight, std=std)


def conv3x3(inputs: int, outputs: int, *, separable: bool = False, stride: int = 1, bias: bool = True) -> nn.Module:
    """A 3x3 convolution that keeps the size (or halves it with ``stride`` 2). ``separable`` makes it depthwise +
    pointwise."""
    if not separable:
        return nn.Conv2d(inputs, outputs, 3, stride, 1, bias=bias)
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False), nn.Conv2d(inputs, outputs, 1, bias=bias)
    )


def resize_to(features: torch.Tensor, like: torch.Tensor, mode: str = 'nearest') -> torch.Tensor:
    """``features`` (B, C, h, w) at the height and width of ``like``; itself where they already agree."""
    size = like.shape[-2:]
    if features.shape[-2:] == size:
        return features
    return F.interpolate(features, size=size, mode=mode, align_corners=False if mode == 'bilinear' else None)


def concat_conv(conv: nn.Module, parts: Sequence[torch.Tensor]) -> torch.Tensor:
    """``conv(torch.cat(parts, 1))`` for a ``conv3x3``; where it is separable without the concatenation, which on a CPU
    is a slow copy: depthwise channels know nothing of each other, and a pointwise convolution is a sum over parts."""
    if not isinstance(conv, nn.Sequential):
        return conv(torch.cat(list(parts), 1))
    depthwise, pointwise = (layer for layer in conv if isinstance(layer, nn.Conv2d))
    channels = [part.shape[1] for part in parts]
    biases = [pointwise.bias, *[None] * (len(parts) - 1)]
    weights = zip(depthwise.weight.split(channels), pointwise.weight.split(channels, 1), biases)
    first, *others = (
        F.conv2d(F.conv2d(part, spatial, padding=1, groups=len(spatial)), mixing, bias)
        for part, (spatial, mixing, bias) in zip(parts, weights)
    )
    return sum(others, first)
