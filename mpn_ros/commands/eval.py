"""``mpn eval``: what weights are worth on a dataset in COCO layout."""

from __future__ import annotations

import argparse
import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mpn_ros.commands.dataset_options import add_exif_argument, is_upright
from mpn_ros.commands.output import percent, write_json
from mpn_ros.commands.pipeline_options import add_pipeline_arguments, make_pipeline
from mpn_ros.errors import ParameterError

if TYPE_CHECKING:
    from mpn_ros.coco import DatasetImage
    from mpn_ros.evaluation.coco_eval import ImageToPeople
    from mpn_ros.pipeline.pipeline import PosePipeline


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of ``mpn eval``."""
    parser.add_argument('--images', type=Path, required=True, metavar='DIR', help='folder of the images')
    parser.add_argument('--annotations', type=Path, required=True, metavar='FILE', help='person_keypoints JSON')
    add_exif_argument(parser)
    parser.add_argument('--json', type=Path, required=True, metavar='OUT', help='where the figures go')
    parser.add_argument(
        '--plots',
        type=Path,
        metavar='DIR',
        help='gets pictures: precision against recall by size of people, and where AP is lost',
    )
    parser.add_argument('--limit', type=int, metavar='N', help='only the first N images')
    add_pipeline_arguments(parser)
    group = parser.add_argument_group(
        'more looks at each image',
        'As for the first table of the paper (section 4.2). '
        'Each look costs the time of one; those of --scales and --flip run in PyTorch.',
    )
    group.add_argument(
        '--scales',
        type=int,
        nargs='+',
        metavar='PIXELS',
        help='average the heatmaps of several long sides of the input, in place of --input-size',
    )
    group.add_argument('--flip', action='store_true', help="average with the mirror image's")
    group.add_argument(
        '--ensemble',
        nargs='+',
        default=[],
        metavar='NAME|FILE',
        help='further weights; people whom several find are kept once, by OKS',
    )


def run(args: argparse.Namespace) -> None:
    """Measures, writes the figures as JSON and prints a table. Raises MpnError."""
    if args.limit is not None and args.limit < 1:
        raise ParameterError(f'--limit must be at least 1, not {args.limit}')
    if args.scales is not None and args.input_size is not None:
        raise ParameterError('--scales takes the place of --input-size; give one of them')
    if not args.json.absolute().parent.is_dir():
        raise ParameterError(f'--json {args.json}: there is no folder {args.json.absolute().parent}')
    from mpn_ros.evaluation.coco_eval import collect

    if args.plots is not None:  # before the minutes that the images take, since matplotlib may be missing
        from mpn_ros.evaluation.plots import write_plots
    members = make_members(args)
    answers = collect(
        make_measured(members, args),
        args.images,
        args.annotations,
        limit=args.limit,
        progress=True,
        layout=members[0].layout,
        upright=is_upright(args),
        instances=True,
        by_shape=True,
    )
    figures = answers.figures() | describe(members, args, answers.dataset.images)
    write_json(args.json, figures)
    print(table(figures))
    if args.plots is not None:
        print(f'{"pictures":<15}{"  ".join(str(path) for path in write_plots(answers, args.plots))}')


def make_members(args: argparse.Namespace) -> list[PosePipeline]:
    """The pipelines of ``--weights`` and of each of ``--ensemble``."""
    from mpn_ros.evaluation.coco_eval import THRESHOLDS

    options = vars(args)
    if args.backend == 'auto' and (args.scales or args.flip):
        options = options | {'backend': 'eager'}  # the only one that gives heatmaps
    members = [
        make_pipeline(argparse.Namespace(**options | {'weights': weights}), THRESHOLDS)
        for weights in (args.weights, *args.ensemble)
    ]
    for member in members:
        if member.layout != members[0].layout:
            raise ParameterError(f'--ensemble {member.weights.source} has other keypoints than {args.weights}')
    return members


def make_measured(members: Sequence[PosePipeline], args: argparse.Namespace) -> ImageToPeople:
    """What is measured: a pipeline alone, or as the arguments have it looked through several times."""
    from mpn_ros.evaluation.ensemble import Ensemble

    looking: list[ImageToPeople] = list(members)
    if args.scales or args.flip:
        from mpn_ros.evaluation.augmented import AugmentedPipeline  # with torch, which takes seconds to load

        looking = [AugmentedPipeline(member, args.scales or [member.input_size], args.flip) for member in members]
    return Ensemble(looking, layout=members[0].layout) if args.ensemble else looking[0]


def describe(
    members: Sequence[PosePipeline], args: argparse.Namespace, images: Iterable[DatasetImage]
) -> dict[str, Any]:
    """What was measured and how, for JSON: all that somebody needs to repeat it."""
    first, *others = members
    scales = args.scales or [first.input_size]
    return {
        'weights': first.weights.source,
        'preset': first.weights.preset.name,
        'sha256': first.weights.metadata['sha256'],
        'ensemble': {member.weights.source: member.weights.metadata['sha256'] for member in others},
        'scales': scales,
        'flip': args.flip,
        'input_shapes': input_shapes(images, scales),
        'grouper': args.grouper,
        'refine': first.refine,
        'backend': str(first.backend.info),
        'thresholds': dataclasses.asdict(first.thresholds),
    }


def input_shapes(images: Iterable[DatasetImage], scales: Sequence[int]) -> dict[str, int]:
    """How often a network's input has each shape, 'width x height' in pixels, the most frequent first."""
    from mpn_ros.pipeline.letterbox import compute_letterbox

    shapes = Counter(
        compute_letterbox((image.height, image.width), scale).input_size for image in images for scale in scales
    )
    return {f'{width}x{height}': count for (width, height), count in shapes.most_common()}


def table(figures: dict[str, Any]) -> str:
    """The figures in a few lines, AP and AR in percent; '-' for those that this dataset cannot give."""
    rows = [
        (kind, name, percent(value))
        for kind in ('keypoints', 'bbox')
        for name, value in figures[kind].items()
        if name in ('AP', 'AP50', 'AP75', 'AP_S', 'AP_M', 'AP_L', 'AR', 'AR100')
    ]
    lines = [
        f'{title:<15}' + '  '.join(f'{name} {value}' for kind, name, value in rows if kind == key)
        for title, key in (('keypoints', 'keypoints'), ('person boxes', 'bbox'))
    ]
    pooled, mean = percent(figures['mask_iou']), percent(figures['mask_iou_mean'])
    lines.append(f'{"person mask":<15}IoU {pooled}  mean of images {mean}')
    if figures['segm'] is not None:
        for title, system in (('own pixels', 'instance_mask'), ('mask in boxes', 'mask_in_boxes')):
            row = [
                f'{whose} AP {percent(of["AP"])}  AP50 {percent(of["AP50"])}  AP75 {percent(of["AP75"])}'
                for whose, of in figures['segm'][system].items()
            ]
            lines.append(f'{title:<15}' + '  '.join(row))
    lines.append(
        f'{"time":<15}{figures["ms_per_image"]:.1f} ms an image (median of {figures["images"]}), {figures["backend"]}'
    )
    return '\n'.join(lines)
