"""How the learning rate moves: in plateaux, as in the paper, or along a cosine."""

from __future__ import annotations

import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau

from mpn_ros.training.config import TrainingConfig

_DROP = 0.1  # "decreased it by a factor of 0.1 in plateaux"
_LAST = 0.02  # where the cosine ends


def make_schedule(optimizer: Optimizer, config: TrainingConfig, total_steps: int) -> LambdaLR | ReduceLROnPlateau:
    """A LambdaLR that steps with every batch, or a ReduceLROnPlateau that steps with what is to become smaller."""
    if config.schedule == 'plateau':
        return ReduceLROnPlateau(optimizer, factor=_DROP, patience=config.patience, threshold=0)

    def factor(step: int) -> float:
        warm = min(1.0, (step + 1) / max(1, config.warmup))
        return warm * (_LAST + (1 - _LAST) * 0.5 * (1 + math.cos(math.pi * min(1.0, step / total_steps))))

    return LambdaLR(optimizer, factor)
