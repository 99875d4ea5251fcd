"""Measures MoveNet MultiPose (ONNX, Apache-2.0) with our evaluation: ``python benchmarks/peer_movenet.py --help``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import onnxruntime

from mpn_ros.evaluation.coco_eval import evaluate
from mpn_ros.evaluation.movenet import MoveNet


def main() -> None:
    """Prints and writes the same figures as ``mpn eval``, for each long side."""
    parser = argparse.ArgumentParser(description='Measure MoveNet MultiPose on a dataset in COCO layout.')
    parser.add_argument('model', type=Path, help='movenet-multipose.onnx: int32 NHWC RGB in, 1x6x56 out')
    parser.add_argument('--images', type=Path, required=True, help='folder of the images')
    parser.add_argument('--annotations', type=Path, required=True, help='person_keypoints JSON')
    parser.add_argument('--long-sides', type=int, nargs='+', default=[384, 512], metavar='PIXELS')
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--limit', type=int, help='only the first LIMIT images')
    parser.add_argument('--json', type=Path, required=True, help='where the figures go')
    args = parser.parse_args()
    measured = []
    print(f'{"long side":>9} {"AP":>6} {"AP50":>6} {"AR":>6} {"box AP":>6} {"ms":>6}')
    for long_side in args.long_sides:
        movenet = MoveNet(args.model, long_side, args.threads)
        figures = evaluate(movenet, args.images, args.annotations, args.limit, progress=True)
        del figures['mask_iou'], figures['mask_iou_mean']  # there is no mask to measure
        figures.update(system='MoveNet MultiPose', long_side=long_side, threads=args.threads)
        figures['versions']['onnxruntime'] = onnxruntime.__version__
        measured.append(figures)
        poses = figures['keypoints']
        print(f'{long_side:9} {poses["AP"]:6.3f} {poses["AP50"]:6.3f} {poses["AR"]:6.3f} {figures["bbox"]["AP"]:6.3f} '
              f'{figures["ms_per_image"]:6.1f}')
    args.json.write_text(json.dumps(measured, indent=2) + '\n')


if __name__ == '__main__':
    main()
