"""What a run tells while it goes on: losses, figures and example pictures, to TensorBoard."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import torch

from mpn_ros.network.multiposenet import MultiPoseNet
from mpn_ros.training.pictures import examples

_DRAW_EVERY = 60.0  # seconds


@dataclass
class AverageMeter:
    """Running means since the last ``take``. They stay on the device: reading one would wait for it in every step."""

    totals: dict[str, torch.Tensor | float] = field(default_factory=dict)
    count: int = 0

    def add(self, terms: Mapping[str, torch.Tensor]) -> None:
        """One more value of each."""
        for name, value in terms.items():
            self.totals[name] = self.totals.get(name, 0.0) + value.detach()
        self.count += 1

    def take(self) -> dict[str, float]:
        """The means, and begins anew."""
        means = {name: float(total) / max(1, self.count) for name, total in self.totals.items()}
        self.totals, self.count = {}, 0
        return means

    def state(self) -> tuple[dict[str, float], int]:
        """The two fields as plain data."""
        return {name: float(total) for name, total in self.totals.items()}, self.count


class TrainingLogger:
    """Is told, and keeps nothing."""

    def losses(self, step: int, means: Mapping[str, float]) -> None:
        """The mean of each loss term over the last steps, and the learning rate as ``rate``."""

    def figures(self, step: int, figures: Mapping[str, float]) -> None:
        """What a validation measured."""

    def epoch(self, step: int, network: MultiPoseNet) -> None:
        """An epoch is over; ``network`` has the averaged weights."""


class TensorBoardLogger(TrainingLogger, AbstractContextManager['TensorBoardLogger']):
    """Writes to TensorBoard's files in ``folder``; what was told there of steps after ``step`` is forgotten.
    ``patches``,
    items of the dataset, are drawn after an epoch, at most once a minute."""

    def __init__(self, folder: Path, patches: Sequence[dict[str, torch.Tensor]], step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder), purge_step=step)
        self._patches, self._drawn = patches, -math.inf

    def __exit__(self, *exception: object) -> None:
        self._writer.close()

    def losses(self, step: int, means: Mapping[str, float]) -> None:
        for name, value in means.items():
            self._writer.add_scalar(f'loss/{name}' if name != 'rate' else name, value, step)

    def figures(self, step: int, figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            self._writer.add_scalar(f'validation/{name}', value, step)

    def epoch(self, step: int, network: MultiPoseNet) -> None:
        if time.monotonic() - self._drawn < _DRAW_EVERY:
            return
        self._drawn = time.monotonic()
        self._writer.add_image('examples', examples(network, self._patches), step, dataformats='HWC')
