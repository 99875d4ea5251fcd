"""The arguments of the stages that train the network; their defaults are the paper's where it gives one."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, get_args

import torch

from mpn_ros.commands.dataset_options import add_exif_argument
from mpn_ros.training.config import Schedule, Stage, TrainingConfig
from mpn_ros.training.windows import WindowSampling

PAPER: dict[Stage, dict[str, Any]] = {
    'keypoints': {'size': 480, 'rate': 1e-4, 'rotation': 40.0, 'scale': (0.8, 1.2), 'flip': 0.3},
    'detector': {'size': 800, 'rate': 1e-5, 'rotation': 0.0, 'scale': (1.0, 1.0), 'flip': 0.5},
    'joint': {'size': 480, 'rate': 1e-4, 'rotation': 40.0, 'scale': (0.8, 1.2), 'flip': 0.3},
}
"""What section 3.5 states for each stage; it trains the detector as RetinaNet does, which turns no image. 'joint' is
ours, with the values of 'keypoints'."""


_OURS = TrainingConfig()


def add_training_arguments(parser: argparse.ArgumentParser, stage: Stage) -> None:
    """Declares the arguments of ``mpn train STAGE``, in groups."""
    _add_data(parser.add_argument_group('data'))
    _add_network(parser.add_argument_group('network'))
    _add_patches(parser.add_argument_group('patches'), PAPER[stage])
    _add_windows(parser.add_argument_group('windows around persons, for the second look'))
    _add_learning(parser.add_argument_group('learning'), PAPER[stage])
    _add_running(parser.add_argument_group('running'))


def _add_data(group: argparse._ArgumentGroup) -> None:
    group.add_argument('--images', required=True, type=Path, help='folder of images')
    group.add_argument('--annotations', required=True, type=Path, help='COCO person_keypoints JSON')
    add_exif_argument(group)
    group.add_argument(
        '--masks', type=Path, help='folder of PNG person masks, for images whose people have no outlines in the JSON'
    )
    group.add_argument('--validation-images', type=Path, help='folder of images to measure the weights on')
    group.add_argument('--validation-annotations', type=Path, help='their person_keypoints JSON')
    group.add_argument('--validation-limit', type=int, metavar='N', help='only the first N of them')
    group.add_argument(
        '--validation-prn',
        type=Path,
        metavar='NAME|FILE',
        help='weights whose PRN puts people together, at several lower bounds for peaks (default: the Max grouper)',
    )
    group.add_argument(
        '--validation-refine', type=int, default=0, metavar='N', help='measure with N windows of an image too'
    )
    group.add_argument(
        '--validate-every', type=int, default=1, metavar='EPOCHS', help='how often (default: every epoch)'
    )


def _add_network(group: argparse._ArgumentGroup) -> None:
    group.add_argument('--preset', default='lite', help='which network (default: lite)')
    group.add_argument(
        '--set',
        nargs='+',
        default=(),
        metavar='FIELD=VALUE',
        help='change the preset, as: keypoint_head.concatenate=false backbone=mobilenet_dilated',
    )
    group.add_argument('--backbone', type=Path, metavar='FILE', help="PyTorch state dict of the backbone's weights")
    group.add_argument('--movenet', type=Path, help='ONNX file of MoveNet MultiPose to start `lite` from')
    group.add_argument(
        '--hold-movenet',
        action='store_true',
        help="train only what is new beside MoveNet's part of the keypoint subnet",
    )
    group.add_argument(
        '--start',
        type=Path,
        metavar='NAME|FILE',
        help='weights to start from, after --movenet: weights that ship, a weights file, a checkpoint',
    )
    group.add_argument(
        '--start-parts',
        nargs='+',
        default=(),
        metavar='PREFIX',
        help='take only the parameters of --start whose names begin so, as: detector_pyramid detector',
    )


def _add_patches(group: argparse._ArgumentGroup, paper: dict[str, Any]) -> None:
    group.add_argument('--size', type=int, default=paper['size'], help='side in pixels (default: %(default)s)')
    group.add_argument(
        '--rotation', type=float, default=paper['rotation'], help='degrees either way (default: %(default)s)'
    )
    group.add_argument(
        '--scale',
        type=float,
        nargs=2,
        default=paper['scale'],
        metavar=('LOW', 'HIGH'),
        help='relative to the image that just fits the patch (default: %(default)s)',
    )
    group.add_argument(
        '--flip', type=float, default=paper['flip'], help='probability of a mirrored patch (default: %(default)s)'
    )
    group.add_argument(
        '--views',
        type=int,
        default=0,
        metavar='N',
        help='patches of each image, which come again after N epochs; what a frozen backbone sees of them is computed '
        "once and kept (default: 0, each epoch's own patches)",
    )
    group.add_argument(
        '--colour', type=float, default=0.0, help='strength of brightness, contrast and saturation changes'
    )


def _add_windows(group: argparse._ArgumentGroup) -> None:
    defaults = WindowSampling()
    group.add_argument(
        '--windows', type=int, metavar='N', help='windows of each image that are shown in place of its patch'
    )
    group.add_argument(
        '--whole',
        type=float,
        default=defaults.whole,
        metavar='SHARE',
        help='of the images that are shown as patches all the same (default: %(default)s)',
    )
    group.add_argument('--window-size', type=int, default=defaults.size, help='side in pixels (default: %(default)s)')
    group.add_argument(
        '--window-scale',
        type=float,
        nargs=2,
        default=defaults.scale,
        metavar=('LOW', 'HIGH'),
        help="a person's size, relative to the one that the pipeline gives it in a window (default: %(default)s)",
    )
    group.add_argument(
        '--window-zoom',
        type=float,
        default=defaults.largest,
        metavar='FACTOR',
        help="the most pixels of a window for each of the image's (default: %(default)s)",
    )


def _add_learning(group: argparse._ArgumentGroup, paper: dict[str, Any]) -> None:
    group.add_argument('--epochs', type=int, default=_OURS.epochs, help='(default: %(default)s)')
    group.add_argument(
        '--batch',
        type=int,
        default=_OURS.batch,
        help='patches a step, of all processes together (default: %(default)s)',
    )
    group.add_argument('--rate', type=float, default=paper['rate'], help='learning rate (default: %(default)s)')
    group.add_argument(
        '--rate-factor',
        nargs='*',
        default=(),
        type=_rate_factor,
        metavar='PREFIX=FACTOR',
        help='factor on the learning rate of parameters, by the beginning of their names; 0 freezes them',
    )
    group.add_argument(
        '--relative-rate',
        action='store_true',
        help='a rate is the part of its size by which a row of weights moves in a step',
    )
    group.add_argument(
        '--batch-norm',
        action='store_true',
        help='put BatchNorm back behind the convolutions of the backbone of `lite`; packed weights have it folded',
    )
    group.add_argument(
        '--fixed-norms', action='store_true', help='leave the statistics of every BatchNorm as they are at the start'
    )
    group.add_argument(
        '--ema', type=float, default=_OURS.ema, help='decay of the averaged weights (default: %(default)s)'
    )
    group.add_argument(
        '--schedule',
        choices=get_args(Schedule),
        default=_OURS.schedule,
        help="a tenth of the rate at each plateau, the paper's, or a cosine (default: %(default)s)",
    )
    group.add_argument(
        '--patience',
        type=int,
        default=_OURS.patience,
        help='validations, or epochs without validation, that make a plateau (default: %(default)s)',
    )
    group.add_argument('--weight-decay', type=float, default=_OURS.weight_decay, help='(default: none, plain Adam)')
    group.add_argument(
        '--heatmap-weight',
        type=float,
        default=_OURS.heatmap_weight,
        help='factor on the loss of the keypoint heatmaps; 0 leaves it out (default: %(default)s)',
    )
    group.add_argument(
        '--mask-weight', type=float, default=_OURS.mask_weight, help='factor on the mask loss (default: %(default)s)'
    )
    group.add_argument(
        '--box-weight', type=float, default=_OURS.box_weight, help='factor on the box loss (default: %(default)s)'
    )
    group.add_argument(
        '--intermediate-weight',
        type=float,
        default=_OURS.intermediate_weight,
        help='factor on the losses at K2..K5 (default: %(default)s)',
    )
    group.add_argument(
        '--teacher',
        type=Path,
        metavar='NAME|FILE',
        help='weights whose keypoint heatmaps are learnt in place of the labels',
    )
    group.add_argument(
        '--teacher-sizes',
        type=int,
        nargs='+',
        default=(),
        metavar='PIXELS',
        help='sizes of the patch at which --teacher looks, at each also in a mirror; the mean is learnt',
    )
    group.add_argument('--bf16', action=argparse.BooleanOptionalAction, default=True, help='run it in bfloat16')
    group.add_argument('--seed', type=int, default=_OURS.seed)


def _add_running(group: argparse._ArgumentGroup) -> None:
    group.add_argument('--folder', type=Path, default=Path('runs/train'), help='where checkpoints and the log go')
    group.add_argument(
        '--features',
        type=Path,
        metavar='FOLDER',
        help='where --views keeps what the backbone saw; runs may share it (default: features in --folder)',
    )
    group.add_argument('--workers', type=int, default=_OURS.workers, help='processes that prepare patches')
    group.add_argument(
        '--minutes', type=float, default=float('inf'), help='stop after this time; the same command goes on later'
    )
    group.add_argument(
        '--save-minutes', type=float, default=4.0, help='the most that a kill may cost (default: %(default)s)'
    )
    group.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')


def _rate_factor(text: str) -> tuple[str, float]:
    prefix, _, factor = text.rpartition('=')
    if not prefix or not float(factor) >= 0:
        raise ValueError
    return prefix, float(factor)
