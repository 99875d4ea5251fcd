"""Measures MoveNet MultiPose (ONNX, Apache-2.0) with our evaluation: ``python benchmarks/peer_movenet.py --help``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

from mpn_ros.evaluation.coco_eval import evaluate
from mpn_ros.scene import Person, Scene

STRIDE = 32


class MoveNet:
    """MoveNet MultiPose behind the call of ``PosePipeline``; the image is resized to ``long_side`` and padded."""

    def __init__(self, model: Path, long_side: int, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(str(model), options, providers=['CPUExecutionProvider'])
        self._input = self._session.get_inputs()[0].name
        self._long_side = long_side

    def __call__(self, image: np.ndarray, channel_order: str = 'rgb') -> Scene:
        """People, at most six; the mask stays empty, as MoveNet has none."""
        height, width = image.shape[:2]
        scale = self._long_side / max(height, width)
        resized = cv2.resize(image, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
        padded = np.zeros((*(-(-side // STRIDE) * STRIDE for side in resized.shape[:2]), 3), np.int32)
        padded[:resized.shape[0], :resized.shape[1]] = resized[..., ::-1] if channel_order == 'bgr' else resized
        rows = self._session.run(None, {self._input: padded[None]})[0][0]
        # Fractions of the padded input; a joint lies in the middle of the pixel that they name, an edge of a box
        # between pixels.
        to_input = np.array([padded.shape[1], padded.shape[0]])
        to_image = np.array([width / resized.shape[1], height / resized.shape[0]])
        people = []
        for row in rows:
            joints = row[:51].reshape(17, 3)
            positions = (joints[:, 1::-1] * to_input + .5) * to_image - .5
            keypoints = np.column_stack([positions, joints[:, 2]]).astype(np.float32)
            box = np.clip(row[[52, 51, 54, 53]] * np.tile(to_input * to_image, 2), 0, [width, height, width, height])
            people.append(Person(box.astype(np.float32), float(row[55]), keypoints))
        people.sort(key=lambda person: -person.score)
        return Scene(tuple(people), np.zeros((height, width), np.uint8))


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
