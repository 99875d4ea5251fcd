"""Pictures of two settings side by side, such as the first look beside the second, or old weights beside new ones:
``python -m benchmarks.side_by_side --help``."""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from mpn_ros.benchmark.crowds import read_sources
from mpn_ros.media import write_image
from mpn_ros.pipeline.draw import draw
from mpn_ros.pipeline.pipeline import PosePipeline

HEIGHT = 360


def pair(image: np.ndarray, left: PosePipeline, right: PosePipeline) -> np.ndarray:
    """An image as both answer it, side by side, ``HEIGHT`` pixels high."""
    answers = [draw(image, pipeline(image, 'bgr')) for pipeline in (left, right)]
    scale = HEIGHT / image.shape[0]
    return np.hstack([cv2.resize(answer, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) for answer in answers])


def sheet(pairs: list[np.ndarray], columns: int) -> np.ndarray:
    """All pairs in rows of ``columns``."""
    width = max(picture.shape[1] for picture in pairs)
    padded = [
        cv2.copyMakeBorder(picture, 2, 2, 2, 2 + width - picture.shape[1], cv2.BORDER_CONSTANT, value=(255,) * 3)
        for picture in pairs
    ]
    padded += [np.full_like(padded[0], 255)] * (-len(padded) % columns)
    return np.vstack([np.hstack(padded[row : row + columns]) for row in range(0, len(padded), columns)])


def main() -> None:
    """Writes one sheet of pictures."""
    parser = argparse.ArgumentParser(description=__doc__.split(':')[0])
    parser.add_argument('sources', type=Path, nargs='+', metavar='DIR|VIDEO|PICTURE')
    parser.add_argument('--count', type=int, default=10, metavar='N', help='images of each, evenly spread')
    parser.add_argument('--weights', nargs=2, default=['lite', 'lite'], metavar=('LEFT', 'RIGHT'))
    parser.add_argument('--refine', type=int, nargs=2, default=[0, 20], metavar=('LEFT', 'RIGHT'))
    parser.add_argument('--input-size', type=int, metavar='PIXELS')
    parser.add_argument('--columns', type=int, default=2, metavar='N')
    parser.add_argument('--out', type=Path, required=True, metavar='FILE.jpg')
    args = parser.parse_args()
    left, right = (
        PosePipeline(weights, input_size=args.input_size, refine=refine)
        for weights, refine in zip(args.weights, args.refine)
    )
    images: list[np.ndarray] = []
    for source in args.sources:
        found = [cv2.imread(str(source))] if source.suffix.lower() in ('.jpg', '.png') else read_sources(source)
        images += [found[row] for row in np.linspace(0, len(found) - 1, min(args.count, len(found))).astype(int)]
    write_image(args.out, sheet([pair(image, left, right) for image in images], args.columns))


if __name__ == '__main__':
    main()
