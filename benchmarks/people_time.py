"""Milliseconds from image to people against the number of people, with and without a second look, and beside another
network in the same run: ``python -m benchmarks.people_time --help``."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from mpn_ros.benchmark.crowds import crowds, find_people, read_sources
from mpn_ros.commands.output import write_json
from mpn_ros.evaluation.hardware_info import machine, versions
from mpn_ros.pipeline.pipeline import PosePipeline

SIZE = 640, 480


def farther(image: np.ndarray) -> np.ndarray:
    """The same people at half their size, so that each of them asks for a window."""
    small = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    height, width = image.shape[:2]
    canvas = np.full_like(image, 127)
    y, x = (height - small.shape[0]) // 2, (width - small.shape[1]) // 2
    canvas[y : y + small.shape[0], x : x + small.shape[1]] = small
    return canvas


def main() -> None:
    """Measures all in turn, image by image, prints a table, and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split(':')[0])
    parser.add_argument('--images', type=Path, required=True, metavar='DIR|VIDEO', help='real people to cut out')
    parser.add_argument('--people', type=int, nargs='+', default=[1, 2, 4, 8, 20], metavar='N')
    parser.add_argument('--refine', type=int, nargs='+', default=[0, 4, 20], metavar='N')
    parser.add_argument('--weights', default='lite', help='weights that ship, or a weights file (default: %(default)s)')
    parser.add_argument('--peer', metavar='FILE', help='another network that the pipeline can load')
    parser.add_argument('--input-size', type=int, default=384, metavar='PIXELS')
    parser.add_argument('--repeats', type=int, default=30, metavar='N')
    parser.add_argument('--json', type=Path, required=True, metavar='OUT')
    args = parser.parse_args()
    systems = {
        f'refine {refine}': PosePipeline(args.weights, input_size=args.input_size, refine=refine)
        for refine in args.refine
    }
    if args.peer:
        systems[Path(args.peer).name] = PosePipeline(args.peer, input_size=args.input_size, refine=0)
    finder = PosePipeline(args.weights, input_size=args.input_size, refine=0)
    people = find_people(finder, read_sources(args.images), SIZE)
    images = {}
    for count in args.people:
        made, _ = crowds(finder, people, count, 4, SIZE)
        images[count, 'near'], images[count, 'far'] = made, [farther(image) for image in made]
    for system in systems.values():
        system.warm()
    seconds: dict[tuple[int, str, str], list[float]] = {}
    windows: dict[tuple[int, str, str], list[int]] = {}
    for turn in tqdm(range(args.repeats + 1), 'rounds', disable=None):
        for (count, distance), pictures in images.items():
            for name, system in systems.items():
                key = count, distance, name
                for image in pictures:
                    start = time.perf_counter()
                    result = system(image, 'bgr')
                    if turn:  # the first round prepares
                        seconds.setdefault(key, []).append(time.perf_counter() - start)
                        windows.setdefault(key, []).append(result.windows)
    rows: list[dict[str, Any]] = [
        {
            'people': count,
            'distance': distance,
            'system': name,
            'windows': round(float(np.mean(windows[key])), 2),
            'p50_ms': round(1000 * float(np.median(times)), 2),
            'p95_ms': round(1000 * float(np.percentile(times, 95)), 2),
        }
        for key, times in seconds.items()
        for count, distance, name in [key]
    ]
    print('Milliseconds, p50 (windows).\n')
    print('| people | distance | ' + ' | '.join(systems) + ' |')
    print('|' + ' --- |' * (2 + len(systems)))
    for count, distance in images:
        cells = [
            f'{row["p50_ms"]:.1f} ({row["windows"]:.1f})'
            for row in rows
            if (row['people'], row['distance']) == (count, distance)
        ]
        print(f'| {count} | {distance} | ' + ' | '.join(cells) + ' |')
    write_json(
        args.json,
        {
            'rows': rows,
            'size': SIZE,
            'input_size': args.input_size,
            'repeats': args.repeats,
            'machine': machine(),
            'versions': versions(),
        },
    )


if __name__ == '__main__':
    main()
