"""The training loop: one for the paper's two stages (section 3.5) and for both tasks at once."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau
from tqdm import tqdm

from mpn_ros.errors import DatasetError, ParameterError, TrainingError, WeightsError
from mpn_ros.network.multiposenet import MultiPoseNet
from mpn_ros.training import distributed
from mpn_ros.training.checkpoint import BEST, CHECKPOINT, load_checkpoint, save_checkpoint
from mpn_ros.training.config import TrainingConfig
from mpn_ros.training.criterion import Criterion
from mpn_ros.training.dataset import PatchDataset, collate_sizes
from mpn_ros.training.ema import make_ema
from mpn_ros.training.feature_cache import FeatureCache, Level
from mpn_ros.training.logger import AverageMeter, TrainingLogger
from mpn_ros.training.parameters import freeze_rows, make_optimizer, select_trainable
from mpn_ros.training.sampler import epoch_batches
from mpn_ros.training.schedule import make_schedule
from mpn_ros.training.teacher import Teacher
from mpn_ros.weights import tensor_digest

_CLIP = 5.0  # the gradient's norm; a patch full of people can make it jump

Validate = Callable[[MultiPoseNet], Mapping[str, float]]
"""Measures the averaged network; the first figure, the higher the better, decides."""


class Trainer:
    """Trains ``network`` on ``dataset``; everything it needs to go on after a kill is in ``folder/checkpoint.pt``.

    validate: measures the averaged weights after every ``validate_every`` epochs; the checkpoint of the best figure is
    kept as ``folder/best.pt``, and plateaux are those of this figure. Without it they are those of the epochs' loss.
    features: where what the frozen backbone sees of the dataset's ``views`` is kept; runs may share the folder.
    teacher: gives heatmaps and masks that are learnt, from the dataset's ``teacher_sizes`` or else from what is shown.
    ``origin``: how the weights that the run started from were trained, as plain data; the checkpoint keeps it.
    Raises ParameterError for settings that contradict each other or the dataset.
    """

    def __init__(
        self,
        network: MultiPoseNet,
        dataset: PatchDataset,
        config: TrainingConfig,
        folder: str | Path,
        device: str | torch.device = 'cpu',
        *,
        validate: Validate | None = None,
        validate_every: int = 1,
        features: str | Path | None = None,
        teacher: Teacher | None = None,
    ):
        if config.batch > len(dataset):
            raise ParameterError(f'a batch of {config.batch} is more than the {len(dataset)} images of the dataset')
        if config.batch % distributed.count():
            raise ParameterError(f'a batch of {config.batch} cannot be shared by {distributed.count()} processes')
        if validate_every < 1:
            raise ParameterError(f'validate_every must be at least 1, not {validate_every}')
        self.network = network.to(device)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's types lack it
        self.dataset, self.config, self.device = dataset, config, torch.device(device)
        self.folder = Path(folder)
        self.validate, self.validate_every = validate, validate_every
        self.step = 0
        self.epochs_done = 0
        self.best: dict[str, float] = {}
        self.held: dict[str, int] = {}
        self.origin: Mapping[str, Any] = {}
        self.trained, terms = select_trainable(self.network, config)
        if teacher is not None and 'heatmap' not in terms:
            raise ParameterError(f"a teacher has heatmaps to teach, and stage '{config.stage}' learns none here")
        self.optimizer = make_optimizer(self.network, self.trained, config)
        self.schedule = make_schedule(self.optimizer, config, self.total_steps)
        self.criterion = Criterion(self.network, config, dataset.size, terms, teacher).to(self.device)
        self.features, self._levels = Path(features or self.folder / 'features'), self._feature_levels()
        self.average = make_ema(self.network, config.ema)
        self._epoch_loss = AverageMeter()

    def _feature_levels(self) -> list[torch.Tensor]:
        """What is kept of an image, by example, if the dataset has views that come again; nothing otherwise."""
        if not self.dataset.views:
            return []
        if any(name.startswith('backbone.') for name in self.trained):
            raise ParameterError('views need a backbone that is not trained: --rate-factor backbone=0')
        size = self.dataset.size
        images = torch.zeros(1, size, size, 3, dtype=torch.uint8, device=self.device)
        with torch.no_grad(), torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.bf16):
            return self.criterion.extract_features(images, [images] * len(self.dataset.teacher_sizes))

    def _feature_file(self) -> FeatureCache | None:
        """Where features are kept, by what they are made of: the weights are final only when a run begins, since one
        that is resumed has those of its checkpoint."""
        if not self._levels:
            return None
        dataset, preset, dtype = self.dataset, self.network.preset, self._levels[0].dtype
        networks = [self.network.backbone, *([self.criterion.teacher] if self.criterion.teacher else [])]
        digests = [tensor_digest({name: value.cpu() for name, value in each.state_dict().items()}) for each in networks]
        shapes = [Level(*level.shape[1:]) for level in self._levels]
        people = [(image.image.path.name, image.boxes.tolist()) for image in dataset.images]
        patches = asdict(dataset.augmentation), dataset.size, dataset.seed, dataset.views, dataset.teacher_sizes
        what = preset.backbone, repr(preset.preprocessing), digests, shapes, str(dtype), people, patches
        name = hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]
        return FeatureCache(self.features, name, dataset.views * len(dataset), shapes, dtype)

    @property
    def averaged(self) -> MultiPoseNet:
        """The network with the averaged weights, in eval mode."""
        return self.average.module  # type: ignore[return-value]

    @property
    def steps_an_epoch(self) -> int:
        """Batches in one pass over the dataset; the last incomplete one is left out."""
        return len(self.dataset) // self.config.batch

    @property
    def total_steps(self) -> int:
        """Steps of the whole run."""
        return self.steps_an_epoch * self.config.epochs

    def hold(self, rows: Mapping[str, int]) -> None:
        """Leaves the first rows of these parameters, by name, as they are, in this run and where it is resumed."""
        self.held = dict(rows)
        freeze_rows(self.network, rows)

    def _train_mode(self) -> None:
        """Parts without anything to train stay in eval mode, where their BatchNorm statistics do not move either."""
        self.network.train()
        for part, module in self.network.named_children():
            if not any(name.startswith(f'{part}.') for name in self.trained):
                module.eval()
        if self.config.fixed_norms:
            for module in self.network.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()

    def _learn(self, terms: Mapping[str, torch.Tensor]) -> None:
        """A step against these losses."""
        self.optimizer.zero_grad(set_to_none=True)
        loss = torch.stack(list(terms.values())).sum()
        loss.backward()
        nn.utils.clip_grad_norm_(self.trained.values(), _CLIP)
        self.optimizer.step()
        if isinstance(self.schedule, LambdaLR):
            self.schedule.step()
        self.average.update_parameters(self.network)
        self._epoch_loss.add({'loss': loss})
        self.step += 1

    def _check(self, values: Mapping[str, torch.Tensor], what: str) -> None:
        """Raises TrainingError, in all processes, if one of the values is not finite in any."""
        broken = ~distributed.mean(torch.stack([value.detach().float().sum() for value in values.values()])).isfinite()
        if broken.any():
            name = next(name for name, wrong in zip(values, broken.tolist()) if wrong)
            kept = self.folder / CHECKPOINT
            raise TrainingError(
                f"the {what} '{name}' is not finite at step {self.step}: the training has diverged, a lower --rate may "
                f'help; {f"the last good weights are in {kept}" if kept.is_file() else "nothing was saved yet"}'
            )

    def _loader(self) -> Iterator[list[dict[str, Any]]]:
        """The batches from the present step to the end. A worker's DatasetError comes out as it went in."""
        sampler = epoch_batches(
            len(self.dataset),
            self.config.batch,
            range(self.step, self.total_steps),
            self.config.seed,
            distributed.rank(),
            distributed.count(),
        )
        loader = torch.utils.data.DataLoader(
            self.dataset,
            batch_sampler=sampler,
            num_workers=self.config.workers,
            collate_fn=collate_sizes,
            pin_memory=self.device.type == 'cuda',
        )
        try:
            yield from loader
        except DatasetError as error:
            raise DatasetError(str(error).rstrip().rpartition('DatasetError: ')[2]) from error

    def run(
        self,
        logger: TrainingLogger | None = None,
        *,
        report_every: int = 50,
        minutes: float = math.inf,
        save_minutes: float = 4.0,
    ) -> bool:
        """Trains to the end, or until ``minutes`` have passed; returns whether it reached the end. Saves after every
        epoch that is validated, and at least every ``save_minutes``. ``logger`` is told of losses, figures and epochs,
        in the first process alone. Raises TrainingError at the first loss that is not finite."""
        first = distributed.rank() == 0
        logger = logger if first and logger is not None else TrainingLogger()
        self._train_mode()
        self.criterion.feature_cache = self._feature_file()
        criterion: nn.Module = self.criterion
        if distributed.count() > 1:
            criterion = DistributedDataParallel(criterion, static_graph=True)
        recent, started, begun = AverageMeter(), time.monotonic(), self.step
        saved = started
        self._close_epoch(logger)  # where the kill came during a validation
        with tqdm(total=self.total_steps, initial=self.step, unit='step', mininterval=5, disable=not first) as progress:
            for batches in self._loader():
                terms = criterion(batches)
                self._check(terms, 'loss')
                due = self.step > begun and time.monotonic() - saved > 60 * save_minutes
                if distributed.from_first(due, self.device):  # all or none: each has a clock of its own
                    self.save()  # now that a loss says that these weights are good
                    saved = time.monotonic()
                self._learn(terms)
                recent.add(terms)
                progress.update()
                if self.step % report_every == 0:
                    means = recent.take()
                    progress.write(self._told(means), file=sys.stderr)
                    logger.losses(self.step, {**means, 'rate': self.optimizer.param_groups[-1]['lr']})
                self._close_epoch(logger)
                over = time.monotonic() - started > 60 * minutes
                if minutes < math.inf and distributed.from_first(over, self.device):
                    break
            if recent.count and first:
                progress.write(self._told(recent.take()), file=sys.stderr)
        self.save()
        return self.step >= self.total_steps

    def _told(self, means: Mapping[str, float]) -> str:
        losses = ', '.join(f'{name} {value:.4f}' for name, value in means.items())
        return f'step {self.step} of {self.total_steps}: {losses}'

    def _close_epoch(self, logger: TrainingLogger) -> None:
        """After the last step of an epoch: measures, keeps the best, moves the learning rate."""
        if self.step < (self.epochs_done + 1) * self.steps_an_epoch:
            return
        validate = self.validate if (self.epochs_done + 1) % self.validate_every == 0 else None
        if validate is not None:
            self.save()  # a validation may take longer than a run may lose
        watched = float(distributed.mean(torch.tensor(self._epoch_loss.take()['loss'], device=self.device)))
        better = False
        if validate is not None and distributed.rank() == 0:
            figures = validate(self.averaged)
            logger.figures(self.step, figures)
            watched = -next(iter(figures.values()))
            better = watched < -next(iter(self.best.values()), -math.inf)
            self.best = {**figures, 'step': self.step} if better else self.best
        self.epochs_done += 1
        if isinstance(self.schedule, ReduceLROnPlateau) and (validate or not self.validate):
            self.schedule.step(distributed.from_first(watched, self.device))
        if validate is not None:
            self.save()
        if better:
            shutil.copyfile(self.folder / CHECKPOINT, self.folder / BEST)
        logger.epoch(self.step, self.averaged)

    def save(self) -> None:
        """Writes the checkpoint, in the first process; the features of all. Raises TrainingError, and leaves the one
        that is there, if a weight is not finite."""
        self._check(self.trained, 'parameter')
        if self.criterion.feature_cache is not None:
            self.criterion.feature_cache.flush()
        if distributed.rank() > 0:
            return
        state = {
            'network': self.network.state_dict(),
            'averaged': self.averaged.state_dict(),
            'optimizer': self.optimizer.state_dict(),
            'schedule': self.schedule.state_dict(),
            'step': self.step,
            'epochs_done': self.epochs_done,
            'epoch_loss': self._epoch_loss.state(),
            'best': self.best,
            'held': self.held,
            'origin': dict(self.origin),
            'config': self._settings(),
            'preset': self.network.preset.to_dict(),
        }
        save_checkpoint(self.folder / CHECKPOINT, state)

    def _settings(self) -> dict[str, Any]:
        """What decides the result of the run, as plain data."""
        settings = {
            **asdict(self.config),
            'size': self.dataset.size,
            'images': len(self.dataset),
            'augmentation': asdict(self.dataset.augmentation),
            'views': self.dataset.views,
            'teacher_sizes': self.dataset.teacher_sizes,
            **self.dataset.sampling_settings(),
        }
        del settings['workers']
        return json.loads(json.dumps(settings))

    def resume(self) -> bool:
        """Goes on from ``folder/checkpoint.pt`` if there is one. Raises WeightsError if it belongs to another run."""
        path = self.folder / CHECKPOINT
        if not path.is_file():
            return False
        state = load_checkpoint(path)
        # The PRN may be another: it is not trained here.
        before, now = ({**preset, 'prn': None} for preset in (state['preset'], self.network.preset.to_dict()))
        if state['config'] != self._settings() or before != now:
            raise WeightsError(f'{path} was made with other settings; use the same ones or another folder')
        self.network.load_state_dict(state['network'])
        self.averaged.load_state_dict(state['averaged'])
        self.average.n_averaged.fill_(state['step'])
        self.optimizer.load_state_dict(state['optimizer'])
        self.schedule.load_state_dict(state['schedule'])
        self.step, self.epochs_done, self.best = state['step'], state['epochs_done'], state['best']
        self._epoch_loss = AverageMeter(*state['epoch_loss'])
        self.hold(state['held'])
        self.origin = state.get('origin', {})
        return True
