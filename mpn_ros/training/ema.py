"""The exponential average of the weights: what is validated and kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from mpn_ros.errors import WeightsError


def make_ema(network: nn.Module, decay: float) -> AveragedModel:
    """The average of ``network``, buffers included, from now on. Early on it follows faster than ``decay`` says, or it
    would be the random start for hundreds of steps."""

    def follow(averaged: Sequence[torch.Tensor], current: Sequence[torch.Tensor], count: torch.Tensor | int) -> None:
        weight = 1 - min(decay, (int(count) + 1) / (int(count) + 11))
        for mean, value in zip(averaged, current):
            if mean.is_floating_point():
                mean.lerp_(value, weight)
            else:
                mean.copy_(value)

    average = AveragedModel(network, multi_avg_fn=follow, use_buffers=True)
    average.module.eval()
    return average


def blended(state: Mapping[str, Tensor], other: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """``share`` of ``other`` and the rest of ``state``, two state dicts of networks of which one was trained from the
    other: between them lie networks that have learnt and not forgotten (Wortsman et al., "Robust fine-tuning of
    zero-shot models", CVPR 2022). Raises WeightsError if they do not have the same keys and shapes."""
    if {key: value.shape for key, value in state.items()} != {key: value.shape for key, value in other.items()}:
        raise WeightsError('the two networks to blend are not of one form')
    return {
        key: torch.lerp(value, other[key], share) if value.is_floating_point() else value
        for key, value in state.items()
    }
