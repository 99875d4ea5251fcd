"""``mpn eval``: what weights are worth on a dataset in COCO layout."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mpn_ros.commands.pipeline_options import add_pipeline_arguments, make_pipeline
from mpn_ros.errors import ParameterError

if TYPE_CHECKING:
    from mpn_ros.coco import DatasetImage


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of ``mpn eval``."""
    parser.add_argument('--images', type=Path, required=True, metavar='DIR', help='folder of the images')
    parser.add_argument('--annotations', type=Path, required=True, metavar='FILE', help='person_keypoints JSON')
    parser.add_argument('--json', type=Path, required=True, metavar='OUT', help='where the figures go')
    parser.add_argument('--plots', type=Path, metavar='DIR',
                        help='gets pictures: precision against recall by size of people, and where AP is lost')
    parser.add_argument('--limit', type=int, metavar='N', help='only the first N images')
    add_pipeline_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """Measures, writes the figures as JSON and prints a table. Raises MpnError."""
    if args.limit is not None and args.limit < 1:
        raise ParameterError(f'--limit must be at least 1, not {args.limit}')
    if not args.json.absolute().parent.is_dir():
        raise ParameterError(f'--json {args.json}: there is no folder {args.json.absolute().parent}')
    from mpn_ros.evaluation.coco_eval import THRESHOLDS, collect
    if args.plots is not None:  # before the minutes that the images take, since matplotlib may be missing
        from mpn_ros.evaluation.plots import write_plots
    pipeline = make_pipeline(args, THRESHOLDS)
    answers = collect(
        pipeline, args.images, args.annotations, limit=args.limit, progress=True, layout=pipeline.layout
    )
    weights = pipeline.weights
    figures = answers.figures() | {
        'weights': weights.source, 'preset': weights.preset.name, 'sha256': weights.metadata['sha256'],
        'input_size': pipeline.input_size, 'input_shapes': input_shapes(answers.dataset.images, pipeline.input_size),
        'grouper': args.grouper, 'backend': pipeline.backend.description,
        'thresholds': dataclasses.asdict(pipeline.thresholds)}
    try:
        args.json.write_text(json.dumps(figures, indent=2) + '\n', encoding='utf-8')
    except OSError as error:
        raise ParameterError(f'--json {args.json} cannot be written: {error.strerror}') from error
    print(table(figures))
    if args.plots is not None:
        print(f"{'pictures':<15}{'  '.join(str(path) for path in write_plots(answers, args.plots))}")


def input_shapes(images: Iterable[DatasetImage], input_size: int) -> dict[str, int]:
    """How many images the network saw in each shape, 'width x height' in pixels, the most frequent first."""
    from mpn_ros.pipeline.letterbox import fit
    shapes = Counter(fit((image.height, image.width), input_size).input_size for image in images)
    return {f'{width}x{height}': count for (width, height), count in shapes.most_common()}


def table(figures: dict[str, Any]) -> str:
    """The figures in a few lines, AP and AR in percent; '-' for those that this dataset cannot give."""
    def percent(value: float | None) -> str:
        return '-' if value is None else f'{100 * value:.1f}'

    rows = [(kind, name, percent(value)) for kind in ('keypoints', 'bbox') for name, value in figures[kind].items()
            if name in ('AP', 'AP50', 'AP75', 'AP_S', 'AP_M', 'AP_L', 'AR', 'AR100')]
    lines = [f'{title:<15}' + '  '.join(f'{name} {value}' for kind, name, value in rows if kind == key)
             for title, key in (('keypoints', 'keypoints'), ('person boxes', 'bbox'))]
    pooled, mean = percent(figures['mask_iou']), percent(figures['mask_iou_mean'])
    lines.append(f"{'person mask':<15}IoU {pooled}  mean of images {mean}")
    lines.append(f"{'time':<15}{figures['ms_per_image']:.1f} ms an image (median of {figures['images']}), "
                 f"{figures['backend']}")
    return '\n'.join(lines)
