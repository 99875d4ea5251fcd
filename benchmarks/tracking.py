#!/usr/bin/env python3
"""How long ids last on the four-camera clip of pose2sim: switches, fragmentations and misses of its two main people.

The clips are not part of this repository: `pip download --no-deps pose2sim==0.10.49`, unzip the wheel, and give the
folder Pose2Sim/Demo_MultiPerson/videos as --clips. Labels are in tracking_labels.json beside this file.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from tqdm import tqdm

from mpn_ros.evaluation.tracking_metrics import count_identities
from mpn_ros.media import VideoReader
from mpn_ros.pipeline.pipeline import PosePipeline
from mpn_ros.result import PoseResult
from mpn_ros.tracking.tracker import Tracker

LABELS = Path(__file__).with_name('tracking_labels.json')


def load_labels(camera: str) -> list[dict[str, np.ndarray]]:
    """For each frame of ``camera``, ``(4,)`` x0, y0, x1, y1 by name, interpolated between the labelled frames."""
    people = json.loads(LABELS.read_text())['cameras'][camera]
    frames = 1 + max(int(frame) for boxes in people.values() for frame in boxes)
    tracks = {
        name: np.stack(
            [
                np.interp(range(frames), [int(frame) for frame in boxes], edge)
                for edge in zip(*boxes.values(), strict=True)
            ],
            axis=-1,
        )
        for name, boxes in people.items()
    }
    return [{name: track[frame] for name, track in tracks.items()} for frame in range(frames)]


def measure(camera: str, results: Sequence[tuple[float, PoseResult]], step: int) -> list[dict[str, object]]:
    """A row for each labelled person, with every ``step``-th of ``results`` (seconds, result)."""
    tracker = Tracker()
    followed = [tracker.update(result, seconds) for seconds, result in results[::step]]
    return [
        {'camera': camera, 'person': name, **asdict(counts)}
        for name, counts in count_identities(load_labels(camera)[::step], followed).items()
    ]


def swapped_neighbours(results: Sequence[tuple[float, PoseResult]], rate: float, minutes: float) -> dict[str, int]:
    """The clip forth and back for ``minutes``, with 1 % of all neighbours swapped: how many images have other ids than
    in the unswapped run."""
    there_and_back = [*range(len(results)), *range(len(results) - 2, 0, -1)]
    frames = [results[there_and_back[n % len(there_and_back)]][1] for n in range(int(minutes * 60 * rate))]
    order = list(range(len(frames)))
    for first in np.flatnonzero(np.random.default_rng(0).random(len(frames) // 2) < 0.02) * 2:
        order[first], order[first + 1] = order[first + 1], order[first]

    def ids(order: Sequence[int]) -> dict[int, list[int | None]]:
        tracker = Tracker()
        return {n: [person.id for person in tracker.update(frames[n], n / rate).people] for n in order}

    unswapped, swapped = ids(sorted(order)), ids(order)
    return {
        'images': len(frames),
        'swapped': int(np.sum(np.diff(order) < 0)),
        'images with other ids': sum(swapped[n] != unswapped[n] for n in unswapped),
    }


def main() -> None:
    """Prints a row for each person of each view, and writes them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--clips', type=Path, required=True, metavar='DIR', help='folder of cam01.mp4 to cam04.mp4')
    parser.add_argument('--weights', default='lite', help='name of weights that ship, or a weights file')
    parser.add_argument('--input-size', type=int, help="long side of the network's input in pixels")
    parser.add_argument(
        '--steps', type=int, nargs='+', default=[1, 2, 6, 12], metavar='N', help='use every Nth frame of 60 a second'
    )
    parser.add_argument(
        '--swap-minutes',
        type=float,
        default=0.0,
        metavar='N',
        help='also swap 1 %% of the neighbours of N minutes, and compare the ids',
    )
    parser.add_argument('--json', type=Path, help='where the figures go')
    args = parser.parse_args()
    pipeline = PosePipeline(args.weights, input_size=args.input_size)
    rows = []
    print(f'{"camera":7} {"person":12} {"Hz":>4} {"frames":>6} {"missed":>6} {"switches":>8} {"fragmentations":>14}')
    for camera in json.loads(LABELS.read_text())['cameras']:
        with VideoReader(args.clips / f'{camera}.mp4') as video:
            results = [
                (frame.time, pipeline(frame.image, 'bgr'))
                for frame in tqdm(video, camera, video.expected or None, leave=False, disable=None)
            ]
            rate = video.fps
        if args.swap_minutes:
            print(camera, 'with neighbours swapped:', swapped_neighbours(results, rate, args.swap_minutes))
        for step in args.steps:
            for row in measure(camera, results, step):
                rows.append({'hz': rate / step, **row})
                print(
                    f'{camera:7} {row["person"]:12} {rate / step:4g} {row["frames"]:6} {row["missed"]:6} '
                    f'{row["switches"]:8} {row["fragmentations"]:14}'
                )
    if args.json:
        args.json.write_text(
            json.dumps({'input_size': pipeline.input_size, 'weights': args.weights, 'rows': rows}, indent=2) + '\n'
        )


if __name__ == '__main__':
    main()
