"""Trains the Pose Residual Network on labels alone (section 3.5). A run that was killed goes on where its checkpoint
is."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mpn_ros.errors import WeightsError
from mpn_ros.network.prn import PoseResidualNetwork
from mpn_ros.training.checkpoint import save_checkpoint
from mpn_ros.training.options import option
from mpn_ros.training.prn_data import CropSampler

_CHECKPOINT_SECONDS = 120
_LEARNING = 'learning'
PRNLoss = Literal['assignment', 'softmax']


@dataclass(frozen=True)
class PRNTraining:
    """How to train. ``loss`` 'assignment' asks which of a keypoint's peaks is the person's, or none; 'softmax' is the
    paper's binary cross-entropy of the softmax over the whole crop. ``curriculum`` starts each epoch with the easy
    persons: many keypoints, large boxes. The learning rate falls to zero along a cosine; the paper's is 1e-4 at small
    batches."""

    epochs: int = option(20, _LEARNING, 'how often each person is shown')
    batch: int = option(1024, _LEARNING, 'people a step')
    learning_rate: float = option(
        2e-3, _LEARNING, 'learning rate, which falls to 0', name='rate', default_words='0.002; the paper: 1e-4'
    )
    loss: PRNLoss = option(
        'assignment',
        _LEARNING,
        "'softmax' is the paper's: over all cells, not over the peaks",
        choices=get_args(PRNLoss),
    )
    curriculum: bool = option(False, _LEARNING, 'start each epoch with the easy persons')
    seed: int = option(0, _LEARNING, 'decides everything random')


def assignment_loss(prn: PoseResidualNetwork, candidates: Tensor, own: Tensor) -> Tensor:
    """Cross-entropy over each keypoint's candidates and 'none of them', the mean over keypoints that have a candidate.
    Arguments as in ``Samples``."""
    logits = F.pad(prn.candidate_logits(candidates), (0, 1))
    competing = candidates[..., 0, 2] > 0
    target = torch.where(own, 0, logits.shape[-1] - 1)
    return F.cross_entropy(logits[competing], target[competing])


def softmax_loss(prn: PoseResidualNetwork, candidates: Tensor, own: Tensor) -> Tensor:
    """The paper's loss: the crop's softmax against Gaussians at the person's keypoints. Their sigma is 2 cells in a
    crop 56 high and scales with it. The sum over cells, the mean over persons. Arguments as in ``Samples``."""
    config = prn.config
    sigma = config.height / 28
    centre = (candidates[:, :, 0, :2] * candidates.new_tensor([config.width, config.height])).floor()

    def gaussian(cells: int, at: Tensor) -> Tensor:
        offsets = torch.arange(cells, device=at.device) - at[..., None]
        return torch.exp(-0.5 * (offsets / sigma) ** 2) / (sigma * math.sqrt(2 * math.pi))

    rows, columns = gaussian(config.height, centre[..., 1]), gaussian(config.width, centre[..., 0])
    target = torch.einsum('pk,pky,pkx->pyxk', own.float(), rows, columns)
    output = prn.probabilities(prn.rasterise(candidates)).clamp(1e-7, 1 - 1e-7)
    return F.binary_cross_entropy(output, target, reduction='sum') / len(output)


LOSSES: dict[str, Callable[[PoseResidualNetwork, Tensor, Tensor], Tensor]] = {
    'assignment': assignment_loss,
    'softmax': softmax_loss,
}


@contextlib.contextmanager
def _fast_products() -> Iterator[None]:
    """Matrix products in bfloat16 where the hardware has them: several times faster."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision('medium')
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


class PRNTrainer:
    """Trains ``prn`` on a sampler's crops; every batch is drawn from the seed and its number alone, so a resumed run is
    the same run.

    checkpoint: a file that is written every two minutes and after each epoch, and that is gone on from if it is there.
    """

    def __init__(self, prn: PoseResidualNetwork, sampler: CropSampler, training: PRNTraining, checkpoint: Path) -> None:
        self.prn, self.sampler, self.training, self.checkpoint = prn, sampler, training, checkpoint
        self.step = 0
        self._optimizer = torch.optim.Adam(prn.parameters(), lr=training.learning_rate, fused=True)
        self._batches = math.ceil(len(sampler.people) / training.batch)
        self._saved = time.monotonic()
        if checkpoint.exists():
            self._resume()

    @property
    def epoch(self) -> int:
        """How many epochs are done."""
        return self.step // self._batches

    def run(self, after_epoch: Callable[[int, float], None] = lambda epoch, loss: None) -> None:
        """Trains to the end. ``after_epoch`` gets the number of epochs done and their last one's mean loss."""
        with _fast_products():
            while self.epoch < self.training.epochs:
                after_epoch(self.epoch + 1, self._run_epoch())

    def _run_epoch(self) -> float:
        """Trains to the end of the running epoch and returns its mean loss."""
        epoch, losses = self.epoch, []
        order = self._order(np.random.default_rng((self.training.seed, epoch)))
        while self.epoch == epoch:
            first = self.step % self._batches * self.training.batch
            losses.append(self._train_on(order[first : first + self.training.batch]))
            self.step += 1
            if time.monotonic() - self._saved > _CHECKPOINT_SECONDS:
                self._save()
        self._save()
        return float(np.mean(losses))

    def _order(self, random: np.random.Generator) -> np.ndarray:
        people = self.sampler.people
        if not self.training.curriculum:
            return random.permutation(len(people))
        labelled = (people.keypoints[..., 2] > 0).sum(1)
        area = np.prod(people.box[:, 2:] - people.box[:, :2], 1)
        # The noise, two keypoints, keeps batches from being the same in each epoch.
        return np.lexsort((-area, -(labelled + random.normal(0, 2, len(people))).round()))

    def _train_on(self, rows: np.ndarray) -> float:
        random = np.random.default_rng((self.training.seed, 1, self.step))
        torch.manual_seed(int(random.integers(2**63)))
        self.prn.train()
        samples = self.sampler(rows, random)
        for group in self._optimizer.param_groups:
            group['lr'] = self.training.learning_rate * self._schedule()
        self._optimizer.zero_grad()
        candidates, own = (torch.from_numpy(array).to(self.prn.encode.weight.device) for array in samples)
        loss = LOSSES[self.training.loss](self.prn, candidates, own)
        loss.backward()
        self._optimizer.step()
        return loss.item()

    def _schedule(self) -> float:
        return 0.5 * (1 + math.cos(math.pi * self.step / (self._batches * self.training.epochs)))

    def _settings(self) -> dict[str, Any]:
        return {
            'prn': dataclasses.asdict(self.prn.config),
            'training': dataclasses.asdict(self.training),
            'people': len(self.sampler.people),
        }

    def _save(self) -> None:
        save_checkpoint(
            self.checkpoint,
            {
                'settings': self._settings(),
                'step': self.step,
                'prn': self.prn.state_dict(),
                'optimizer': self._optimizer.state_dict(),
            },
        )
        self._saved = time.monotonic()

    def _resume(self) -> None:
        try:
            with self.checkpoint.open('rb') as file:
                state = torch.load(file, map_location=self.prn.encode.weight.device, weights_only=True)
            settings = state['settings']
        except Exception as error:  # a damaged file raises whatever unpickling meets
            raise WeightsError(f"'{self.checkpoint}' is not a checkpoint of a PRN run: {error}") from error
        if settings != self._settings():
            raise WeightsError(
                f"'{self.checkpoint}' is of a run with other settings, {settings}; choose another folder or remove it"
            )
        self.step = state['step']
        self.prn.load_state_dict(state['prn'])
        self._optimizer.load_state_dict(state['optimizer'])
