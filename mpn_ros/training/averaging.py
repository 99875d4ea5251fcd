"""The exponential average of the weights: what is validated and kept."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel


def average_of(network: nn.Module, decay: float) -> AveragedModel:
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
