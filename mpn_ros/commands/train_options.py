"""The options of the stages that train the network: those of the settings of a run, with what the command itself needs.

The parser and the table of docs/training.md come from them: ``python -m mpn_ros.commands.train_options`` writes the
table. The defaults are the paper's where it gives one.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mpn_ros.commands.dataset_options import EXIF_CHOICES, EXIF_DEFAULT, EXIF_HELP
from mpn_ros.files import replace_between
from mpn_ros.training.augment import PATCHES, Augmentation
from mpn_ros.training.config import LEARNING, RUNNING, Stage, TrainingConfig
from mpn_ros.training.options import Option, add_options, option, options_of, to_markdown
from mpn_ros.training.windows import WINDOWS, WindowSampling

PAPER: dict[Stage, dict[str, Any]] = {
    'keypoints': {'size': 480, 'rate': 1e-4, 'rotation': 40.0, 'scale': (0.8, 1.2), 'flip': 0.3},
    'detector': {'size': 800, 'rate': 1e-5, 'rotation': 0.0, 'scale': (1.0, 1.0), 'flip': 0.5},
    'joint': {'size': 480, 'rate': 1e-4, 'rotation': 40.0, 'scale': (0.8, 1.2), 'flip': 0.3},
}
"""What section 3.5 states for each stage; it trains the detector as RetinaNet does, which turns no image. 'joint' is
ours, with the values of 'keypoints'."""
DATA, NETWORK = 'data', 'network'


@dataclass(frozen=True)
class CommandOptions:
    """What the command needs beside the settings of the run; the attributes of what argparse returns."""

    images: Path | None = option(None, DATA, 'folder of images', kind=Path, required=True)
    annotations: Path | None = option(None, DATA, 'COCO person_keypoints JSON', kind=Path, required=True)
    exif: str | None = option(None, DATA, EXIF_HELP, choices=EXIF_CHOICES, default_words=EXIF_DEFAULT)
    masks: Path | None = option(
        None, DATA, 'folder of PNG person masks, for images whose people have no outlines in the JSON', kind=Path
    )
    validation_images: Path | None = option(None, DATA, 'folder of images to measure the weights on', kind=Path)
    validation_annotations: Path | None = option(None, DATA, 'their person_keypoints JSON', kind=Path)
    validation_limit: int | None = option(None, DATA, 'only the first N of them', kind=int, metavar='N')
    validation_prn: Path | None = option(
        None,
        DATA,
        'weights whose PRN puts people together, at several lower bounds for peaks',
        kind=Path,
        metavar='NAME|FILE',
        default_words='the Max grouper',
    )
    validation_refine: int = option(0, DATA, 'measure with N windows of an image too', metavar='N')
    validate_every: int = option(1, DATA, 'how many epochs lie between two validations', metavar='EPOCHS')

    preset: str = option('lite', NETWORK, 'which network')
    set: tuple[str, ...] = option(
        (),
        NETWORK,
        'change the preset, as: keypoint_head.concatenate=false backbone=mobilenet_dilated',
        count='+',
        metavar='FIELD=VALUE',
    )
    backbone: Path | None = option(
        None, NETWORK, "PyTorch state dict of the backbone's weights", kind=Path, metavar='FILE'
    )
    movenet: Path | None = option(None, NETWORK, 'ONNX file of MoveNet MultiPose to start `lite` from', kind=Path)
    hold_movenet: bool = option(False, NETWORK, "train only what is new beside MoveNet's part of the keypoint subnet")
    start: Path | None = option(
        None,
        NETWORK,
        'weights to start from, after --movenet: weights that ship, a weights file, a checkpoint',
        kind=Path,
        metavar='NAME|FILE',
    )
    start_parts: tuple[str, ...] = option(
        (),
        NETWORK,
        'take only the parameters of --start whose names begin so, as: detector_pyramid detector',
        count='+',
        metavar='PREFIX',
    )

    size: int = option(480, PATCHES, 'side in pixels')
    views: int = option(
        0,
        PATCHES,
        'patches of each image, which come again after N epochs; what a frozen backbone sees of them is computed once '
        'and kept',
        metavar='N',
        default_words="0, each epoch's own patches",
    )
    windows: int | None = option(
        None, WINDOWS, 'windows of each image that are shown in place of its patch', kind=int, metavar='N'
    )

    teacher: Path | None = option(
        None,
        LEARNING,
        'weights whose heatmaps and mask are learnt, in place of the labels or beside them (--teacher-share)',
        kind=Path,
        metavar='NAME|FILE',
    )
    teacher_sizes: tuple[int, ...] = option(
        (),
        LEARNING,
        'sizes of the patch at which --teacher looks, at each also in a mirror; the mean is learnt',
        default_words='what the network is shown',
        kind=int,
        count='+',
        metavar='PIXELS',
    )

    folder: Path = option(Path('runs/train'), RUNNING, 'where checkpoints and the log go')
    features: Path | None = option(
        None,
        RUNNING,
        'where --views keeps what the backbone saw; runs may share it',
        kind=Path,
        metavar='FOLDER',
        default_words='features in --folder',
    )
    minutes: float = option(
        float('inf'), RUNNING, 'stop after this time; the same command goes on later', default_words='never'
    )
    save_minutes: float = option(4.0, RUNNING, 'the most that a kill may cost')
    device: str = option('auto', RUNNING, 'cpu, cuda, cuda:1', default_words='a GPU where there is one')


def options(stage: Stage) -> list[Option]:
    """All options of a stage, those of a group together."""
    found = [
        *options_of(CommandOptions, PAPER[stage]),
        *options_of(TrainingConfig, PAPER[stage]),
        *options_of(Augmentation, PAPER[stage]),
        *options_of(WindowSampling),
    ]
    order = DATA, NETWORK, PATCHES, WINDOWS, LEARNING, RUNNING
    return sorted(found, key=lambda one: order.index(one.spec.group))


def add_training_arguments(parser: argparse.ArgumentParser, stage: Stage) -> None:
    """Declares the arguments of ``mpn train STAGE``, in groups."""
    add_options(parser, options(stage))


BEGIN, END = '<!-- options: begin -->\n', '<!-- options: end -->'
"""What the table of docs/training.md stands between."""


def write(root: Path) -> None:
    """Writes the table in docs/training.md of the source tree ``root``."""
    page = root / 'docs' / 'training.md'
    replace_between(page, BEGIN, END, to_markdown(options('joint')))


if __name__ == '__main__':
    write(Path(__file__).resolve().parents[2])
