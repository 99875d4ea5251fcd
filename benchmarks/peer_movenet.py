"""Measures our weights and MoveNet MultiPose (ONNX, Apache-2.0), one after the other in one run:
``python benchmarks/peer_movenet.py --help``."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import torch

from mpn_ros.evaluation.coco_eval import THRESHOLDS, ImageToPeople, collect
from mpn_ros.evaluation.movenet import MoveNet
from mpn_ros.pipeline.pipeline import PosePipeline


def systems(model: Path, weights: str, long_side: int, threads: int) -> dict[str, ImageToPeople]:
    """What is compared, by name: ours as ``mpn eval`` runs it, and the peer."""
    return {f'mpn_ros {weights}': PosePipeline(weights, input_size=long_side, thresholds=THRESHOLDS),
            'MoveNet MultiPose': MoveNet(model, long_side, threads)}


def main() -> None:
    """Prints and writes the same figures as ``mpn eval``, for each system and long side."""
    parser = argparse.ArgumentParser(description='Measure our weights and MoveNet MultiPose on one dataset.')
    parser.add_argument('model', type=Path, help='movenet-multipose.onnx: int32 NHWC RGB in, 1x6x56 out')
    parser.add_argument('--images', type=Path, required=True, help='folder of the images')
    parser.add_argument('--annotations', type=Path, required=True, help='person_keypoints JSON')
    parser.add_argument('--weights', default='lite', help='weights that ship, or a weights file (default: %(default)s)')
    parser.add_argument('--long-sides', type=int, nargs='+', default=[384, 512], metavar='PIXELS')
    parser.add_argument('--threads', type=int, default=2, help='cores that both may use (default: %(default)s)')
    parser.add_argument('--limit', type=int, help='only the first LIMIT images')
    parser.add_argument('--json', type=Path, required=True, help='where the figures go')
    args = parser.parse_args()
    # OpenVINO takes as many threads as there are cores that the process may use.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:args.threads])
    torch.set_num_threads(args.threads)
    measured = []
    print('AP and IoU in percent')
    print(f'{"system":20} {"side":>5} {"AP":>6} {"AP50":>6} {"box AP":>6} {"AP50":>6} {"mask":>6} {"ms":>6}')
    for long_side in args.long_sides:
        for name, system in systems(args.model, args.weights, long_side, args.threads).items():
            figures = collect(system, args.images, args.annotations, args.limit, progress=True).figures()
            if isinstance(system, MoveNet):
                figures.update(mask_iou=None, mask_iou_mean=None)  # it has none
            measured.append({'system': name, 'long_side': long_side, 'threads': args.threads, **figures})
            shown = (figures['keypoints']['AP'], figures['keypoints']['AP50'], figures['bbox']['AP'],
                     figures['bbox']['AP50'], figures['mask_iou'])
            percents = ' '.join(f'{"-":>6}' if value is None else f'{100 * value:6.1f}' for value in shown)
            print(f'{name:20} {long_side:5} {percents} {figures["ms_per_image"]:6.1f}')
    args.json.write_text(json.dumps(measured, indent=2) + '\n')


if __name__ == '__main__':
    main()
