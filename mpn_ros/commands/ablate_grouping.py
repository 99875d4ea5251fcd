"""``mpn ablate grouping``: Tables 3 and 4, and stricter ones beside them."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mpn_ros.commands.output import percent, write_json
from mpn_ros.commands.pipeline_options import add_pipeline_arguments, make_pipeline
from mpn_ros.errors import ParameterError

if TYPE_CHECKING:
    from mpn_ros.evaluation.grouping_input import GroupingInput
    from mpn_ros.pipeline.grouping import Grouper
    from mpn_ros.pipeline.pipeline import PosePipeline
    from mpn_ros.weights import Weights

Row = dict[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments; labels alone, or images with their annotations, or both."""
    parser.add_argument(
        '--labels',
        type=Path,
        metavar='FILE',
        help='COCO person_keypoints JSON or .npz: true boxes and keypoints (Table 3), and simulated '
        'detections, in which keypoints are missing and peaks belong to nobody',
    )
    parser.add_argument('--images', type=Path, metavar='DIR', help="folder of images: the network's own detections")
    parser.add_argument('--annotations', type=Path, metavar='FILE', help='person_keypoints JSON of --images')
    parser.add_argument('--limit', type=int, metavar='N', help='only the first N images')
    parser.add_argument(
        '--prn',
        nargs='+',
        type=Path,
        default=[],
        metavar='FILE',
        help="more PRNs to compare, as of 'mpn train prn'; each is named by its folder",
    )
    parser.add_argument(
        '--movenet',
        type=Path,
        metavar='ONNX',
        help="MoveNet MultiPose: its heatmaps' peaks with our boxes against its own grouping (Table 4)",
    )
    parser.add_argument('--json', type=Path, required=True, metavar='OUT', help='where the figures go')
    add_pipeline_arguments(parser, grouper=False)


def run(args: argparse.Namespace) -> None:
    """Measures, writes the figures as JSON and prints a table. Raises MpnError."""
    if args.labels is None and args.images is None:
        raise ParameterError('mpn ablate grouping needs --labels, or --images and --annotations')
    if (args.images is None) != (args.annotations is None):
        raise ParameterError('--images and --annotations need each other')
    if args.movenet is not None and args.images is None:
        raise ParameterError('--movenet needs --images')
    from mpn_ros.evaluation.hardware_info import versions
    from mpn_ros.weights import load_weights, resolve_weights

    weights = load_weights(resolve_weights(args.weights))
    groupers = make_groupers(weights, args.prn)
    rows: list[Row] = []
    if args.labels is not None:
        rows += _on_labels(groupers, args.labels)
    if args.images is not None:
        rows += _on_images(groupers, args, weights)
    figures = {'weights': weights.source, 'sha256': weights.metadata['sha256'], 'versions': versions(), 'rows': rows}
    write_json(args.json, figures)
    print(table(rows))


def make_groupers(weights: Weights, files: Sequence[Path] = ()) -> dict[str, Grouper]:
    """The PRN of the weights and those of other files, named by their folders, and the paper's baselines."""
    from mpn_ros.pipeline.pipeline import make_grouper
    from mpn_ros.weights import load_weights

    return {
        'PRN': make_grouper('prn', weights),
        **{path.resolve().parent.name: make_grouper('prn', load_weights(path)) for path in files},
        'UCR': make_grouper('ucr', weights),
        'Max': make_grouper('max', weights),
    }


def _on_labels(groupers: dict[str, Grouper], path: Path) -> list[Row]:
    from mpn_ros.evaluation.grouping_input import simulated
    from mpn_ros.training.prn_labels import load_people
    from mpn_ros.training.prn_noise import EXACT, DetectorNoise

    people = load_people(path)
    return [
        row
        for name, noise in (('true peaks, true boxes', EXACT), ('simulated detectors', DetectorNoise()))
        for row in _measure(name, simulated(people, noise), groupers)
    ]


def _on_images(groupers: dict[str, Grouper], args: argparse.Namespace, weights: Weights) -> list[Row]:
    from mpn_ros.coco import read_dataset
    from mpn_ros.evaluation.grouping import figures_by_overlap
    from mpn_ros.evaluation.grouping_input import detected_by, true_peaks_and_boxes, with_boxes_of
    from mpn_ros.evaluation.results import keypoint_results

    dataset = read_dataset(args.images, args.annotations, weights.preset.layout).first(args.limit)
    pipeline = open_pipeline(args)
    ours, true = list(detected_by(pipeline, dataset)), true_peaks_and_boxes(dataset)
    sources = {
        'true peaks, true boxes': true,
        'true peaks, our boxes': with_boxes_of(true, ours),
        'our peaks, true boxes': with_boxes_of(ours, true),
        'our peaks, our boxes': ours,
    }
    rows: list[Row] = []
    for name, observed in sources.items():
        rows += _measure(name, observed, groupers)
    if args.movenet is not None:
        from mpn_ros.evaluation.movenet import MoveNet

        movenet = MoveNet(args.movenet, args.input_size or weights.preset.input_size)
        theirs, results = [], []
        for image, seen in zip(dataset.images, ours):
            pixels = image.read()
            theirs.append(dataclasses.replace(seen, peaks=movenet.peaks(pixels, 'bgr')))
            results += keypoint_results(movenet(pixels, 'bgr'), image.id)
        rows += _measure("MoveNet's peaks, our boxes", theirs, groupers)
        rows.append(
            {'given': "MoveNet's peaks and boxes", 'grouper': 'MoveNet', 'figures': figures_by_overlap(ours, results)}
        )
    return rows


def open_pipeline(args: argparse.Namespace) -> PosePipeline:
    """The pipeline of the arguments, with the thresholds of ``mpn eval``."""
    from mpn_ros.evaluation.coco_eval import THRESHOLDS

    return make_pipeline(args, THRESHOLDS)


def _measure(given: str, observed: list[GroupingInput], groupers: dict[str, Grouper]) -> list[Row]:
    from mpn_ros.evaluation.grouping import grouping_figures, keypoint_rates, keypoint_reliability

    rows: list[Row] = []
    for name, grouper in groupers.items():
        row: Row = {'given': given, 'grouper': name, 'figures': grouping_figures(grouper, observed)}
        if observed[0].own is not None:
            row['joints'] = keypoint_rates(grouper, observed)
            row['reliability'] = keypoint_reliability(grouper, observed)
        rows.append(row)
    return rows


def table(rows: list[Row]) -> str:
    """The figures in percent, a line for each grouper: AP of all people and of those who overlap, and how many
    keypoints got their peak or, without one, none; '-' for what cannot be told."""
    heads = ['AP', 'AP50', 'AP75', 'AP_M', 'AP_L']
    parts = list(rows[0]['figures'])[1:]
    columns = [*heads, *(f'AP {part}' for part in parts), 'own', 'refused']
    lines = [f'{"given":28}{"grouper":14}' + ''.join(f'{column:>{len(column) + 2}}' for column in columns)]
    for row in rows:
        values = [row['figures']['all'][head] for head in heads]
        values += [row['figures'][part]['AP'] for part in parts]
        values += [row.get('joints', {}).get(name) for name in ('own', 'refused')]
        lines.append(
            f'{row["given"]:28}{row["grouper"]:14}'
            + ''.join(f'{percent(value):>{len(column) + 2}}' for column, value in zip(columns, values))
        )
    return '\n'.join(lines)
