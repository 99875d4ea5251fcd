"""What a second look in windows gives and costs on a dataset: ``python -m benchmarks.second_look --help``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from benchmarks.figures import gained
from mpn_ros.commands.output import percent, save_picture, write_json
from mpn_ros.conventions import ChannelOrder
from mpn_ros.evaluation.bootstrap import ImageMatches, difference_interval
from mpn_ros.evaluation.by_size import mean_by_size, oks_by_size
from mpn_ros.evaluation.coco_eval import THRESHOLDS, Answers, collect
from mpn_ros.pipeline.pipeline import PosePipeline, Thresholds
from mpn_ros.result import PoseResult

CURVE_SIZES = 192, 384, 640
SIZES = {'AP': 'all', 'AP_M': 'medium', 'AP_L': 'large'}


class Counting:
    """A pipeline that counts the windows of its answers: with COCO's thresholds, and with those of a robot."""

    def __init__(self, pipeline: PosePipeline) -> None:
        self.pipeline, self.windows = pipeline, 0

    def __call__(self, image: np.ndarray, channel_order: ChannelOrder = 'rgb') -> PoseResult:
        """As the pipeline."""
        result = self.pipeline(image, channel_order)
        self.windows += result.windows
        return result


def row(answers: Answers, base: Answers, input_size: int, refine: int, windows: float) -> dict[str, Any]:
    """The figures of one setting, with 95 % intervals of what it gains over the first look alone."""
    figures = answers.figures()
    gains = {}
    for name, size in SIZES.items():
        found = difference_interval(ImageMatches(answers.keypoints, size), ImageMatches(base.keypoints, size))
        gains[name] = [round(value, 4) for value in found]
    found = difference_interval(ImageMatches(answers.bbox), ImageMatches(base.bbox))
    gains['box AP'] = [round(value, 4) for value in found]
    kept = {name: figures['keypoints'][name] for name in ('AP', 'AP50', 'AP75', 'AP_M', 'AP_L', 'AR')}
    return {
        'input_size': input_size,
        'refine': refine,
        **kept,
        'box_AP50': figures['bbox']['AP50'],
        'box_AP': figures['bbox']['AP'],
        'mask_iou': figures['mask_iou'],
        'windows': windows,
        'ms_per_image': figures['ms_per_image'],
        'gains': gains,
        'machine': figures['machine'],
        'versions': figures['versions'],
    }


def draw(curves: dict[str, list[dict[str, float]]]) -> Figure:
    """Mean OKS against the size of people."""
    figure = Figure(figsize=(7, 4), layout='constrained')
    panel = figure.subplots()
    for name, rows in curves.items():
        middles = [np.sqrt(line['from'] * line['to']) for line in rows]
        panel.plot(middles, [line['oks'] for line in rows], marker='o', label=name)
    panel.set(
        xscale='log',
        xlabel="size of a person in the first look's input: root of the area, pixels",
        ylabel='mean OKS of the nearest pose',
        ylim=(0, 0.9),
    )
    panel.set_xticks([20, 30, 50, 80, 130, 200, 300], labels=['20', '30', '50', '80', '130', '200', '300'])
    panel.grid(alpha=0.3)
    panel.legend()
    return figure


def main() -> None:
    """Measures every setting, prints a table, and writes what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--images', type=Path, required=True, metavar='DIR')
    parser.add_argument('--annotations', type=Path, required=True, metavar='FILE')
    parser.add_argument('--weights', default='lite', help='weights that ship, or a weights file (default: %(default)s)')
    parser.add_argument('--input-sizes', type=int, nargs='+', default=[384, 512], metavar='PIXELS')
    parser.add_argument('--refine', type=int, nargs='+', default=[2, 4, 8, 20], metavar='N')
    parser.add_argument('--curve', action='store_true', help='also how well people are seen by their size')
    parser.add_argument('--json', type=Path, required=True, metavar='OUT')
    parser.add_argument('--plot', type=Path, metavar='OUT', help='gets the curve as a picture; needs --curve')
    args = parser.parse_args()
    rows: list[dict[str, Any]] = []
    seen: dict[str, list[tuple[float, float]]] = {}
    print(
        '| input | refine | AP (gain, 95 %) | AP75 | medium (gain) | large (gain) | box AP50 | mask | windows, '
        'COCO / robot | ms |'
    )
    print('|' + ' --- |' * 10)
    for input_size in dict.fromkeys([*args.input_sizes, *(CURVE_SIZES if args.curve else ())]):
        pipeline = PosePipeline(args.weights, input_size=input_size, refine=20, thresholds=THRESHOLDS)
        pipeline.warm()
        base: Answers | None = None
        for refine in (0, *args.refine) if input_size in args.input_sizes else (0, 20):
            pipeline.refine = refine
            counting = Counting(pipeline)
            answers = collect(counting, args.images, args.annotations)
            base = base or answers
            if args.curve and refine in (0, 20):
                name = 'first look alone' if not refine else 'with windows'
                seen.setdefault(name, []).extend(oks_by_size(answers, input_size))
            if input_size not in args.input_sizes:
                continue
            windows = counting.windows / len(answers.dataset.images)
            line = row(answers, base, input_size, refine, round(windows, 3))
            pipeline.thresholds = Thresholds()
            counting.windows = 0
            robot = collect(counting, args.images, args.annotations)
            line['windows_robot'] = round(counting.windows / len(answers.dataset.images), 3)
            line['ms_per_image_robot'] = 1000 * float(np.median(robot.seconds))
            pipeline.thresholds = THRESHOLDS
            rows.append(line)
            print(_line(line), flush=True)
    curves = {name: mean_by_size(people) for name, people in seen.items()}
    write_json(args.json, {'weights': args.weights, 'rows': rows, 'curves': curves})
    if args.plot is not None:
        save_picture(args.plot, draw(curves))


def _line(line: dict[str, Any]) -> str:
    cells = [
        line['input_size'],
        line['refine'],
        gained(line, 'AP'),
        percent(line['AP75']),
        gained(line, 'AP_M'),
        gained(line, 'AP_L'),
        percent(line['box_AP50']),
        percent(line['mask_iou']),
        f'{line["windows"]:.2f} / {line["windows_robot"]:.2f}',
        f'{line["ms_per_image_robot"]:.1f}',
    ]
    return '| ' + ' | '.join(map(str, cells)) + ' |'


if __name__ == '__main__':
    main()
