"""``mpn train keypoints | detector | joint``: the network on images."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from contextlib import ExitStack

import torch

from mpn_ros.coco import read_dataset
from mpn_ros.commands.dataset_options import is_upright
from mpn_ros.errors import DatasetError, ParameterError
from mpn_ros.evaluation.validation import Validation
from mpn_ros.files import make_folder, printable
from mpn_ros.network.multiposenet import MultiPoseNet
from mpn_ros.network.prn import PoseResidualNetwork
from mpn_ros.pipeline.windows import check_refine
from mpn_ros.presets import Preset, override, preset
from mpn_ros.training import distributed
from mpn_ros.training.augment import Augmentation
from mpn_ros.training.checkpoint import BEST, CHECKPOINT
from mpn_ros.training.coco import LabelledImage, labelled_images
from mpn_ros.training.config import TrainingConfig
from mpn_ros.training.dataset import PatchDataset
from mpn_ros.training.initialization import (
    expect_norms,
    how_trained,
    init_from_movenet,
    start_backbone,
    start_from,
    start_norms,
)
from mpn_ros.training.logger import TensorBoardLogger
from mpn_ros.training.options import settings_from
from mpn_ros.training.teacher import Teacher
from mpn_ros.training.trainer import Trainer
from mpn_ros.training.windows import WindowDataset, WindowSampling
from mpn_ros.weights import load_weights, resolve_weights

_EXAMPLES = 4  # patches that are drawn after each epoch


def run(args: argparse.Namespace) -> int:
    """Trains, resuming from ``--folder`` when it holds a checkpoint of the same settings. Raises MpnError."""
    if printable(args.folder) != str(args.folder):
        raise ParameterError(f'--folder {args.folder} must be in UTF-8: TensorBoard takes no other names')
    make_folder(args.folder, '--folder')
    with distributed.processes(args.device) as device, ExitStack() as stack:
        torch.manual_seed(args.seed)
        labels = read_dataset(args.images, args.annotations, upright=is_upright(args))
        chosen = dataclasses.replace(override(preset(args.preset), args.set), layout=labels.layout)
        images = labelled_images(labels, args.masks)
        if args.stage != 'detector' and not any((image.keypoints[..., 2] > 0).any() for image in images):
            raise DatasetError(f'{args.annotations}: nobody has a labelled keypoint')
        dataset = _dataset(args, images, chosen)
        trainer = _trainer(args, chosen, dataset, device)
        logger = None
        if distributed.rank() == 0:
            state = 'resuming' if trainer.step else 'starting'
            print(f'{state} at step {trainer.step} of {trainer.total_steps}, {len(images)} images', file=sys.stderr)
            patches = [dataset[0, index] for index in range(len(images))[:_EXAMPLES]]
            logger = stack.enter_context(TensorBoardLogger(args.folder, patches, trainer.step))
        finished = trainer.run(logger, minutes=args.minutes, save_minutes=args.save_minutes)
        if distributed.rank() == 0:
            print(_summary(trainer, finished), file=sys.stderr)
    return 0


def _dataset(args: argparse.Namespace, images: Sequence[LabelledImage], chosen: Preset) -> PatchDataset:
    patches = args.size, settings_from(Augmentation, args), chosen, args.seed, args.views, args.teacher_sizes
    if args.windows is None:
        return PatchDataset(images, *patches)
    if args.stage == 'detector':
        raise ParameterError("stage 'detector' learns from whole images; it goes without --windows")
    return WindowDataset(images, settings_from(WindowSampling, args, count=args.windows), *patches)


def _trainer(args: argparse.Namespace, chosen: Preset, dataset: PatchDataset, device: torch.device) -> Trainer:
    """A trainer at the place where the folder's checkpoint is, or at the start."""
    config = settings_from(TrainingConfig, args, stage=args.stage)
    network = MultiPoseNet(chosen)
    begun = (args.folder / CHECKPOINT).is_file()
    held = {} if begun else _start(network, dataset, args)  # the checkpoint holds what came of it
    if config.batch_norm and begun:
        expect_norms(network, config)
    elif config.batch_norm:
        start_norms(network, dataset, config)
    trainer = Trainer(
        network,
        dataset,
        config,
        args.folder,
        device,
        validate=_validation(args, chosen, device),
        validate_every=args.validate_every,
        features=args.features,
        teacher=_teacher(args, chosen),
    )
    if begun:
        trainer.resume()
    else:
        trainer.hold(held)
        trainer.origin = {} if args.start is None else how_trained(args.start)
    return trainer


def _teacher(args: argparse.Namespace, chosen: Preset) -> Teacher | None:
    if args.teacher is None:
        if args.teacher_sizes:
            raise ParameterError('--teacher-sizes needs --teacher')
        return None
    weights = load_weights(resolve_weights(args.teacher))
    if weights.preset.layout != chosen.layout:
        raise ParameterError(f'{args.teacher} has other keypoints than {args.annotations}')
    return Teacher(weights.network())


def _start(network: MultiPoseNet, dataset: PatchDataset, args: argparse.Namespace) -> dict[str, int]:
    """The weights that the arguments ask for; returns what is held."""
    if args.hold_movenet and args.movenet is None:
        raise ParameterError('--hold-movenet needs --movenet')
    if args.start_parts and args.start is None:
        raise ParameterError('--start-parts needs --start')
    if args.backbone is not None:
        start_backbone(network, args.backbone)
    held = init_from_movenet(network, args.movenet, dataset) if args.movenet is not None else {}
    if args.start is not None:
        start_from(network, args.start, args.start_parts)
    return held if args.hold_movenet else {}


def _validation(args: argparse.Namespace, chosen: Preset, device: torch.device) -> Validation | None:
    if (args.validation_images is None) != (args.validation_annotations is None):
        raise ParameterError('--validation-images and --validation-annotations go together')
    if args.validation_images is None:
        return None
    check_refine(args.validation_refine)
    if args.validation_limit is not None and args.validation_limit < 1:
        raise ParameterError(f'--validation-limit must be at least 1, not {args.validation_limit}')
    return Validation(
        args.validation_images,
        args.validation_annotations,
        chosen.layout,
        args.stage,
        str(device),
        args.validation_limit,
        is_upright(args),
        _validation_prn(args, chosen),
        args.validation_refine,
    )


def _validation_prn(args: argparse.Namespace, chosen: Preset) -> PoseResidualNetwork | None:
    if args.validation_prn is None:
        return None
    weights = load_weights(resolve_weights(args.validation_prn))
    if weights.preset.layout != chosen.layout:
        raise ParameterError(f'--validation-prn {args.validation_prn} has other keypoints than {args.annotations}')
    return weights.prn()


def _summary(trainer: Trainer, finished: bool) -> str:
    """Where the run stands, and where it was best."""
    lines = [f'{"finished" if finished else "stopped"} at step {trainer.step}: {trainer.folder / CHECKPOINT}']
    if trainer.best:
        step, *figures = reversed(trainer.best.items())
        told = ', '.join(f'{name} {100 * value:.1f}' for name, value in reversed(figures))
        lines.append(f'best at step {step[1]}: {told}: {trainer.folder / BEST}')
    return '\n'.join(lines)
