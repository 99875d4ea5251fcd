"""The settings of a run, as data that its checkpoint keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from mpn_ros.errors import ParameterError
from mpn_ros.training.options import option

Stage = Literal['keypoints', 'detector', 'joint']
Schedule = Literal['plateau', 'cosine']
LEARNING, RUNNING = 'learning', 'running'


def _rate_factor(text: str) -> tuple[str, float]:
    prefix, _, factor = text.rpartition('=')
    if not prefix or not float(factor) >= 0:
        raise ValueError
    return prefix, float(factor)


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
    averaged weights that are kept; ``bf16`` runs the network, not the losses, in bfloat16. teacher_share: what
    share of the losses of heatmaps and mask a teacher decides, where there is one; the labels decide the rest. Raises
    ParameterError.
    """

    stage: Stage = 'joint'
    epochs: int = option(20, LEARNING, 'how often each image is shown')
    batch: int = option(16, LEARNING, 'patches a step, of all processes together')
    rate: float = option(1e-4, LEARNING, 'learning rate')
    rate_factors: tuple[tuple[str, float], ...] = option(
        (),
        LEARNING,
        'factor on the learning rate of parameters, by the beginning of their names; 0 freezes them',
        name='rate-factor',
        kind=_rate_factor,
        count='*',
        metavar='PREFIX=FACTOR',
    )
    relative: bool = option(
        False,
        LEARNING,
        'a rate is the part of its size by which a row of weights moves in a step',
        name='relative-rate',
    )
    batch_norm: bool = option(
        False,
        LEARNING,
        'put BatchNorm back behind the convolutions of the backbone of `lite`; packed weights have it folded',
    )
    fixed_norms: bool = option(False, LEARNING, 'leave the statistics of every BatchNorm as they are at the start')
    ema: float = option(0.998, LEARNING, 'decay of the averaged weights')
    schedule: Schedule = option(
        'plateau',
        LEARNING,
        "a tenth of the rate at each plateau, the paper's, or a cosine",
        choices=get_args(Schedule),
    )
    patience: int = option(3, LEARNING, 'validations, or epochs without validation, that make a plateau')
    warmup: int = 100
    weight_decay: float = option(0.0, LEARNING, 'decoupled weight decay', default_words='none, plain Adam')
    heatmap_weight: float = option(1.0, LEARNING, 'factor on the loss of the keypoint heatmaps; 0 leaves it out')
    teacher_share: float = option(
        1.0,
        LEARNING,
        'share of the losses of heatmaps and mask that --teacher decides; the labels decide the rest',
        metavar='SHARE',
    )
    mask_weight: float = option(1.0, LEARNING, 'factor on the mask loss')
    class_weight: float = 1.0
    box_weight: float = option(1.0, LEARNING, 'factor on the box loss')
    intermediate_weight: float = option(0.25, LEARNING, 'factor on the losses at K2..K5')
    bf16: bool = option(True, LEARNING, 'run it in bfloat16')
    seed: int = option(0, LEARNING, 'decides everything random')
    workers: int = option(1, RUNNING, 'processes that prepare patches')

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
        if not 0 <= self.teacher_share <= 1:
            raise ParameterError(f'teacher_share must be 0 to 1, not {self.teacher_share}')
