"""The settings of a run, as data that its checkpoint keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from mpn_ros.errors import ParameterError

Stage = Literal['keypoints', 'detector', 'joint']
Schedule = Literal['plateau', 'cosine']


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that decides a run's result beside its data.

    batch: images a step, of all processes together. rate: Adam's learning rate, with decoupled ``weight_decay``;
    ``rate_factors`` are pairs of a prefix of parameter names and the factor on it, the first that fits counts; a factor
    of 0 leaves them as they are; ``relative`` makes a rate the part of its size by which a parameter moves
    (``RelativeAdamW``). batch_norm: the backbone trains with a BatchNorm put back behind its convolutions (``norms``).
    fixed_norms: every BatchNorm keeps the statistics of the start; without it they follow the batches. schedule:
    'plateau' divides the rate by ten when nothing got better for ``patience`` epochs (section 3.5), 'cosine' rises over
    ``warmup`` steps and falls along half a cosine. ``*_weight`` are the factors of the losses; ``ema`` the decay of the
    averaged weights that are kept; ``bf16`` runs the network, not the losses, in bfloat16. Raises ParameterError.
    """

    stage: Stage = 'joint'
    epochs: int = 20
    batch: int = 16
    rate: float = 1e-4
    rate_factors: tuple[tuple[str, float], ...] = ()
    schedule: Schedule = 'plateau'
    patience: int = 3
    warmup: int = 100
    weight_decay: float = 0.0
    relative: bool = False
    batch_norm: bool = False
    fixed_norms: bool = False
    ema: float = 0.998
    heatmap_weight: float = 1.0
    mask_weight: float = 1.0
    intermediate_weight: float = 0.25
    class_weight: float = 1.0
    box_weight: float = 1.0
    workers: int = 1
    seed: int = 0
    bf16: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, 'rate_factors', tuple((prefix, float(factor)) for prefix, factor in self.rate_factors))
        for name, choices in (('stage', get_args(Stage)), ('schedule', get_args(Schedule))):
            if getattr(self, name) not in choices:
                raise ParameterError(f"{name} '{getattr(self, name)}' is none of {', '.join(choices)}")
        for name, least in (('epochs', 1), ('batch', 1), ('patience', 0), ('warmup', 0), ('workers', 0)):
            if getattr(self, name) < least:
                raise ParameterError(f'{name} must be at least {least}, not {getattr(self, name)}')
        if self.rate <= 0 or self.weight_decay < 0 or not 0 <= self.ema < 1:
            raise ParameterError('rate must be above 0, weight_decay at least 0, ema in [0, 1)')
