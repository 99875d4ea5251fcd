"""The speed of our weights beside MoveNet MultiPose (ONNX, Apache-2.0) in one run, from decoded picture to people:
``python -m benchmarks.speed_movenet --help``.

They take turns by rounds of all pictures, not by pictures: onnxruntime's threads spin for a while after each answer,
and take half the time of whoever comes next.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from mpn_ros.benchmark.crowds import read_sources
from mpn_ros.commands.figures import write_json
from mpn_ros.evaluation.machine import machine, versions
from mpn_ros.evaluation.movenet import MoveNet
from mpn_ros.pipeline.pipeline import PosePipeline


def main() -> None:
    """Prints and writes p50 and p99 of both and the ratio of the medians."""
    parser = argparse.ArgumentParser(description='Time our weights and MoveNet MultiPose in turn.')
    parser.add_argument('model', type=Path, help='movenet-multipose.onnx: int32 NHWC RGB in, 1x6x56 out')
    parser.add_argument('--images', type=Path, required=True, metavar='DIR|VIDEO', help='pictures or a video')
    parser.add_argument('--weights', default='lite', help='weights that ship, or a weights file (default: %(default)s)')
    parser.add_argument('--long-side', type=int, default=384, metavar='PIXELS')
    parser.add_argument('--threads', type=int, default=2, help='cores that both may use (default: %(default)s)')
    parser.add_argument('--rounds', type=int, default=20, help='looks at each image (default: %(default)s)')
    parser.add_argument('--json', type=Path, required=True, help='where the figures go')
    args = parser.parse_args()
    # OpenVINO takes as many threads as there are cores that the process may use.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: args.threads])
    torch.set_num_threads(args.threads)
    images = read_sources(args.images)
    # Those of the most frequent size: a new one costs a preparation, which is not what is measured.
    sizes = [image.shape for image in images]
    images = [image for image in images if image.shape == max(sizes, key=sizes.count)]
    systems = {
        f'mpn_ros {args.weights}': PosePipeline(args.weights, input_size=args.long_side),
        'MoveNet MultiPose': MoveNet(args.model, args.long_side, args.threads),
    }
    seconds: dict[str, list[float]] = {name: [] for name in systems}
    for turn in tqdm(range(args.rounds + 1), 'rounds', disable=None):
        for name, system in systems.items():
            for image in images:
                start = time.perf_counter()
                system(image, channel_order='bgr')
                if turn:  # the first round prepares
                    seconds[name].append(time.perf_counter() - start)
    measured = {
        name: dict(zip(('p50_ms', 'p99_ms'), np.percentile(1e3 * np.array(times), [50, 99]).round(2).tolist()))
        for name, times in seconds.items()
    }
    ours, theirs = (times['p50_ms'] for times in measured.values())
    for name, times in measured.items():
        print(f'{name:20} p50 {times["p50_ms"]:7.2f} ms  p99 {times["p99_ms"]:7.2f} ms  {1e3 / times["p50_ms"]:6.1f}/s')
    print(f'ours takes {ours / theirs:.2f} times as long as MoveNet')
    write_json(
        args.json,
        {
            'systems': measured,
            'ratio': round(ours / theirs, 3),
            'long_side': args.long_side,
            'images': len(images),
            'image_size': images[0].shape[1::-1],
            'rounds': args.rounds,
            'threads': args.threads,
            'machine': machine(),
            'versions': versions(),
        },
    )


if __name__ == '__main__':
    main()
