"""The training loop: one for the paper's two stages (section 3.5) and for both tasks at once."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn
from tqdm import tqdm

from mpn_ros.errors import ParameterError, WeightsError
from mpn_ros.network.anchors import make_anchors
from mpn_ros.network.layers import Normalise
from mpn_ros.network.multiposenet import MultiPoseNet, NetworkOutput
from mpn_ros.training.dataset import PatchDataset, collate
from mpn_ros.training.losses import detector_loss, heatmap_loss, intermediate_loss
from mpn_ros.training.targets import anchor_targets

Stage = Literal['keypoints', 'detector', 'joint']
_STAGE_MODULES = {
    'keypoints': ('backbone', 'keypoint_pyramid', 'keypoint_head', 'intermediate'),
    'detector': ('detector_pyramid', 'detector'),
    'joint': ('backbone', 'keypoint_pyramid', 'keypoint_head', 'intermediate', 'detector_pyramid', 'detector'),
}
_SAVE_EVERY = 240.0  # seconds


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that decides a run's result beside its data. ``rate_factors`` are pairs of a prefix of parameter names
    and the factor on their learning rate, the first that fits counts; a factor of 0 leaves them as they are.
    ``*_weight`` are the factors of the losses; ``ema`` the decay of the averaged weights that are kept."""

    stage: Stage = 'joint'
    epochs: int = 20
    batch: int = 16
    rate: float = 1e-4
    rate_factors: tuple[tuple[str, float], ...] = ()
    warmup: int = 100
    weight_decay: float = 1e-4
    ema: float = 0.998
    heatmap_weight: float = 1.0
    intermediate_weight: float = 0.25
    class_weight: float = 1.0
    box_weight: float = 1.0
    workers: int = 1
    seed: int = 0
    bf16: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, 'rate_factors', tuple((prefix, float(factor)) for prefix, factor in self.rate_factors))
        if self.stage not in _STAGE_MODULES:
            raise ParameterError(f"stage '{self.stage}' is none of {', '.join(_STAGE_MODULES)}")
        if self.epochs < 1 or self.batch < 1 or self.rate <= 0 or not 0 <= self.ema < 1 or self.workers < 0:
            raise ParameterError('epochs and batch must be at least 1, rate above 0, ema in [0, 1), workers at least 0')


@dataclass
class Losses:
    """Running means of the loss terms since the last ``take``."""

    totals: dict[str, float] = field(default_factory=dict)
    count: int = 0

    def add(self, terms: dict[str, torch.Tensor]) -> None:
        for name, value in terms.items():
            self.totals[name] = self.totals.get(name, 0.0) + float(value.detach())
        self.count += 1

    def take(self) -> dict[str, float]:
        means = {name: total / max(1, self.count) for name, total in self.totals.items()}
        self.totals, self.count = {}, 0
        return means


class Trainer:
    """Trains ``network`` on ``dataset``; everything it needs to go on after a kill is in ``folder/checkpoint.pt``."""

    def __init__(
        self,
        network: MultiPoseNet,
        dataset: PatchDataset,
        config: TrainingConfig,
        folder: str | Path,
        device: str | torch.device = 'cpu',
    ):
        self.network = network.to(device)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's types lack it
        self.dataset, self.config, self.device = dataset, config, torch.device(device)
        self.folder = Path(folder)
        self.step = 0
        self.averaged = {key: value.detach().clone() for key, value in network.state_dict().items()}
        self.trained = self._choose_parameters()
        groups = [
            {
                'params': [value for name, value in self.trained.items() if self._rate_factor_of(name) == factor],
                'lr': config.rate * factor,
            }
            for factor in sorted({self._rate_factor_of(name) for name in self.trained})
        ]
        self.optimizer = torch.optim.AdamW(groups, weight_decay=config.weight_decay)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, self._schedule_factor)
        self.normalise = Normalise(network.preset.preprocessing).to(self.device)
        self.anchors = make_anchors(dataset.size, dataset.size, network.anchor_strides)

    def _rate_factor_of(self, name: str) -> float:
        return next((factor for prefix, factor in self.config.rate_factors if name.startswith(prefix)), 1.0)

    def _choose_parameters(self) -> dict[str, nn.Parameter]:
        """Those of the stage whose rate is above 0; all others stop taking gradients."""
        for prefix, _ in self.config.rate_factors:
            if not any(name.startswith(prefix) for name, _ in self.network.named_parameters()):
                raise ParameterError(f"no parameter's name begins with '{prefix}'")
        trained = {}
        for name, parameter in self.network.named_parameters():
            use = name.split('.')[0] in _STAGE_MODULES[self.config.stage] and self._rate_factor_of(name) > 0
            parameter.requires_grad_(use)
            if use:
                trained[name] = parameter
        if not trained:
            raise ParameterError(f"nothing is left to train in stage '{self.config.stage}'")
        return trained

    @property
    def steps_an_epoch(self) -> int:
        """Batches in one pass over the dataset; the last incomplete one is left out."""
        return max(1, len(self.dataset) // self.config.batch)

    @property
    def total_steps(self) -> int:
        """Steps of the whole run."""
        return self.steps_an_epoch * self.config.epochs

    def _schedule_factor(self, step: int) -> float:
        """Linear warm-up, then half a cosine down to a fiftieth."""
        warm = min(1.0, (step + 1) / max(1, self.config.warmup))
        return warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, step / self.total_steps))))

    def _train_mode(self) -> None:
        """Parts without anything to train stay in eval mode, where their BatchNorm statistics do not move either."""
        self.network.train()
        for part, module in self.network.named_children():
            if not any(name.startswith(f'{part}.') for name in self.trained):
                module.eval()

    def _forward(self, images: torch.Tensor) -> NetworkOutput:
        pixels = self.normalise(images.to(self.device)).contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.bf16):
            output = self.network(pixels)
        return NetworkOutput(
            output.heatmaps.float(),
            tuple(level.float() for level in output.intermediate),
            output.class_logits.float(),
            output.box_offsets.float(),
        )

    def losses(self, batch: dict[str, Any]) -> dict[str, torch.Tensor]:
        """The weighted terms of the stage for one batch of ``collate``."""
        config, output = self.config, self._forward(batch['image'])
        terms = {}
        if config.stage != 'detector':
            activation = self.network.preset.keypoint_head.activation
            truth = (
                batch['heatmaps'].to(self.device),
                batch['weight'].to(self.device),
                batch['peaks'].sum().to(self.device),
            )
            terms['heatmap'] = config.heatmap_weight * heatmap_loss(output.heatmaps, *truth, activation)
            if config.intermediate_weight:
                terms['intermediate'] = config.intermediate_weight * intermediate_loss(
                    output.intermediate, *truth, activation
                )
        if config.stage != 'keypoints':
            pairs = [
                anchor_targets(boxes, self.anchors, weight == 0, self.dataset.size)
                for boxes, weight in zip(batch['boxes'], batch['weight'])
            ]
            labels, offsets = (torch.stack(values).to(self.device) for values in zip(*pairs))
            focal, box = detector_loss(output.class_logits, output.box_offsets, labels, offsets)
            terms['class'], terms['box'] = config.class_weight * focal, config.box_weight * box
        return terms

    def _train_step(self, batch: dict[str, Any]) -> dict[str, torch.Tensor]:
        terms = self.losses(batch)
        self.optimizer.zero_grad(set_to_none=True)
        torch.stack(list(terms.values())).sum().backward()
        nn.utils.clip_grad_norm_(self.trained.values(), 5.0)
        self.optimizer.step()
        self.schedule.step()
        self.step += 1
        decay = min(self.config.ema, self.step / (self.step + 10))
        with torch.no_grad():
            for key, value in self.network.state_dict().items():
                if value.dtype.is_floating_point:
                    self.averaged[key].lerp_(value, 1 - decay)
                else:
                    self.averaged[key].copy_(value)
        return terms

    def _batches(self) -> Iterator[dict[str, Any]]:
        """Batches from the present step to the end. Every epoch has its own order, which depends on seed and epoch
        alone."""
        while self.step < self.total_steps:
            epoch, done = divmod(self.step, self.steps_an_epoch)
            self.dataset.epoch = epoch
            order = torch.randperm(
                len(self.dataset), generator=torch.Generator().manual_seed(self.config.seed * 100003 + epoch)
            )
            loader = torch.utils.data.DataLoader(
                self.dataset,
                self.config.batch,
                sampler=order[done * self.config.batch :].tolist(),
                num_workers=self.config.workers,
                collate_fn=collate,
                drop_last=len(self.dataset) >= self.config.batch,
            )
            yield from loader

    def run(
        self, report: Callable[[int, dict[str, float]], None], *, report_every: int = 50, minutes: float = math.inf
    ) -> bool:
        """Trains to the end, or until ``minutes`` have passed; returns whether it reached the end. Saves at least every
        four minutes."""
        self._train_mode()
        running, started, saved = Losses(), time.monotonic(), time.monotonic()
        with tqdm(total=self.total_steps, initial=self.step, unit='step', mininterval=5) as progress:
            for batch in self._batches():
                running.add(self._train_step(batch))
                progress.update()
                if self.step % report_every == 0:
                    means = running.take()
                    progress.set_postfix({name: f'{value:.3f}' for name, value in means.items()})
                    report(self.step, means)
                if time.monotonic() - saved > _SAVE_EVERY:
                    self.save()
                    saved = time.monotonic()
                if time.monotonic() - started > 60 * minutes:
                    break
        self.save()
        return self.step >= self.total_steps

    def save(self) -> None:
        """Writes the checkpoint beside its place and moves it there, so that a kill leaves the old one or the new
        one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        target = self.folder / 'checkpoint.pt'
        temporary = target.with_suffix('.tmp')
        torch.save(
            {
                'network': self.network.state_dict(),
                'averaged': self.averaged,
                'optimizer': self.optimizer.state_dict(),
                'schedule': self.schedule.state_dict(),
                'step': self.step,
                'config': self._settings(),
                'preset': self.network.preset.to_dict(),
            },
            temporary,
        )
        os.replace(temporary, target)

    def _settings(self) -> dict[str, Any]:
        """What decides the result of the run, as plain data."""
        settings = {
            **asdict(self.config),
            'size': self.dataset.size,
            'images': len(self.dataset),
            'augmentation': asdict(self.dataset.augmentation),
        }
        del settings['workers']
        return json.loads(json.dumps(settings))

    def resume(self) -> bool:
        """Goes on from ``folder/checkpoint.pt`` if there is one. Raises WeightsError if it belongs to another run."""
        path = self.folder / 'checkpoint.pt'
        if not path.is_file():
            return False
        state = load_checkpoint(path)
        same_network = {**state['preset'], 'prn': None} == {
            **self.network.preset.to_dict(),
            'prn': None,
        }  # the PRN is not trained here
        if state['config'] != self._settings() or not same_network:
            raise WeightsError(f'{path} was made with other settings; use the same ones or another folder')
        self.network.load_state_dict(state['network'])
        for key, value in state['averaged'].items():
            self.averaged[key].copy_(value)
        self.optimizer.load_state_dict(state['optimizer'])
        self.schedule.load_state_dict(state['schedule'])
        self.step = state['step']
        return True


def load_checkpoint(path: str | Path) -> dict[str, Any]:
    """The contents of a training checkpoint. Raises WeightsError if it cannot be read as one."""
    try:
        state = torch.load(path, map_location='cpu', weights_only=True)
        if not {'network', 'averaged', 'step', 'preset', 'config'} <= state.keys():
            raise ValueError('it lacks the fields of a checkpoint')
    except Exception as error:
        raise WeightsError(f'{path} is not a training checkpoint of mpn: {error}') from error
    return state
