"""``mpn train keypoints | detector | joint``: the network on images."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path

import torch
from torch.utils.tensorboard import SummaryWriter

from mpn_ros.backends.eager import check_device
from mpn_ros.coco import read_dataset
from mpn_ros.errors import ParameterError, WeightsError
from mpn_ros.network.layers import Normalise
from mpn_ros.network.multiposenet import MultiPoseNet
from mpn_ros.presets import override, preset
from mpn_ros.training.augment import Augmentation
from mpn_ros.training.coco import labelled_images
from mpn_ros.training.dataset import PatchDataset
from mpn_ros.training.movenet import COPIED_CHANNELS, start_from_movenet
from mpn_ros.training.settle import settle
from mpn_ros.training.trainer import Trainer, TrainingConfig, load_checkpoint

_SETTLING_PATCHES = 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the three stages; their defaults are the paper's where it gives one."""
    parser.add_argument('--preset', default='lite', help='which network (default: lite)')
    parser.add_argument(
        '--set',
        nargs='+',
        default=(),
        metavar='FIELD=VALUE',
        help='change the preset, as: keypoint_head.concatenate=false backbone=mobilenet_dilated',
    )
    parser.add_argument('--images', required=True, type=Path, help='folder of images')
    parser.add_argument('--annotations', required=True, type=Path, help='COCO person_keypoints JSON')
    parser.add_argument(
        '--masks', type=Path, help='folder of PNG person masks; without it the polygons of the JSON serve'
    )
    parser.add_argument('--folder', type=Path, default=Path('runs/train'), help='where checkpoints and the log go')
    parser.add_argument('--movenet', type=Path, help='ONNX file of MoveNet MultiPose to start `lite` from')
    parser.add_argument(
        '--hold-movenet',
        action='store_true',
        help="train only what is new beside MoveNet's part of the keypoint subnet",
    )
    parser.add_argument('--start', type=Path, help='checkpoint of another run to start from, after --movenet')
    parser.add_argument(
        '--start-parts',
        nargs='+',
        metavar='PART',
        help='take only these parts of --start, as: detector_pyramid detector',
    )
    parser.add_argument('--size', type=int, default=480, help='side of the training patches in pixels (default: 480)')
    parser.add_argument('--epochs', type=int, default=20)
    parser.add_argument('--batch', type=int, default=16)
    parser.add_argument('--rate', type=float, default=1e-4, help='learning rate (default: 1e-4)')
    parser.add_argument(
        '--rate-factor',
        nargs='*',
        default=(),
        type=_rate_factor,
        metavar='PREFIX=FACTOR',
        help='factor on the learning rate of parameters, by the beginning of their names; 0 freezes them',
    )
    parser.add_argument('--heatmap-weight', type=float, default=1.0, help='factor on the heatmap losses')
    parser.add_argument(
        '--intermediate-weight', type=float, default=0.25, help='factor on the losses at K2..K5 (default: 0.25)'
    )
    parser.add_argument('--rotation', type=float, default=40.0, help='degrees either way (default: 40)')
    parser.add_argument('--scale', type=float, nargs=2, default=(0.8, 1.2), metavar=('LOW', 'HIGH'))
    parser.add_argument('--flip', type=float, default=0.3, help='probability of a mirrored patch (default: 0.3)')
    parser.add_argument(
        '--colour', type=float, default=0.0, help='strength of brightness, contrast and saturation changes'
    )
    parser.add_argument('--workers', type=int, default=1)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument(
        '--minutes', type=float, default=float('inf'), help='stop after this time; the same command goes on later'
    )
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')


def _rate_factor(text: str) -> tuple[str, float]:
    prefix, _, factor = text.rpartition('=')
    if not prefix or not float(factor) >= 0:
        raise ValueError
    return prefix, float(factor)


def _start(network: MultiPoseNet, dataset: PatchDataset, args: argparse.Namespace) -> None:
    if args.movenet is not None:
        copied = start_from_movenet(network, args.movenet)
        patches = torch.stack([dataset[index]['image'] for index in range(min(_SETTLING_PATCHES, len(dataset)))])
        settle(network.eval(), Normalise(network.preset.preprocessing)(patches), COPIED_CHANNELS)
        if args.hold_movenet:
            copied.hold()
    elif args.hold_movenet:
        raise ParameterError('--hold-movenet needs --movenet')
    if args.start is None:
        if args.start_parts:
            raise ParameterError('--start-parts needs --start')
        return
    known = [name for name, _ in network.named_children()]
    parts = args.start_parts or known
    for part in parts:
        if part not in known:
            raise ParameterError(f"--start-parts: no part is called '{part}'; there are {', '.join(known)}")
    state = {key: value for key, value in load_checkpoint(args.start)['averaged'].items() if key.split('.')[0] in parts}
    try:
        network.load_state_dict({**network.state_dict(), **state})
    except RuntimeError as error:
        raise WeightsError(f"{args.start} holds another network than preset '{args.preset}'") from error


def run(args: argparse.Namespace) -> int:
    """Trains, resuming from ``--folder`` when it holds a checkpoint of the same settings."""
    torch.manual_seed(args.seed)
    labels = read_dataset(args.images, args.annotations)
    network = MultiPoseNet(dataclasses.replace(override(preset(args.preset), args.set), layout=labels.layout))
    images = labelled_images(labels, args.masks)
    augmentation = Augmentation(args.rotation, tuple(args.scale), args.flip, args.colour)
    dataset = PatchDataset(images, args.size, augmentation, network.preset, args.seed)
    _start(network, dataset, args)
    config = TrainingConfig(
        stage=args.stage,
        epochs=args.epochs,
        batch=args.batch,
        rate=args.rate,
        seed=args.seed,
        rate_factors=tuple(args.rate_factor),
        heatmap_weight=args.heatmap_weight,
        intermediate_weight=args.intermediate_weight,
        workers=args.workers,
    )
    check_device(args.device)
    trainer = Trainer(network, dataset, config, args.folder, args.device)
    resumed = trainer.resume()
    beginning = 'resuming at' if resumed else 'starting at'
    print(f'{beginning} step {trainer.step} of {trainer.total_steps}, {len(images)} images', file=sys.stderr)
    with SummaryWriter(str(args.folder)) as board:

        def report(step: int, losses: dict[str, float]) -> None:
            for name, value in losses.items():
                board.add_scalar(f'loss/{name}', value, step)

        finished = trainer.run(report, minutes=args.minutes)
    print(
        f'{"finished" if finished else "stopped"} at step {trainer.step}; {args.folder / "checkpoint.pt"}',
        file=sys.stderr,
    )
    return 0
