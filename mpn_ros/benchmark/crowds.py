"""Images with a given number of people: real people, cut out of real images with what is around them, in a grid.

The number of people is all that differs, so that the time is told against it (Fig. 8).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np

from mpn_ros.errors import ImageError, ParameterError
from mpn_ros.media import VideoReader, is_image, read_image
from mpn_ros.pipeline.crops import expand
from mpn_ros.pipeline.pipeline import PosePipeline

MOST_SOURCES = 100
"""Images that are searched for people."""
_SURE = 0.6  # score from which a person is cut out
_TALLEST = 0.8  # of a cell, so that neighbours stay apart
_TRIES = 3  # images that are made for each that is wanted; those with the number of people nearest to it are kept


def read_sources(path: Path) -> list[np.ndarray]:
    """Up to ``MOST_SOURCES`` images ``(H, W, 3)`` BGR, evenly spread over a video, or over the images of a folder.
    Raises ImageError."""
    if path.is_dir():
        files = [file for file in sorted(path.iterdir()) if file.is_file() and is_image(file)]
        if not files:
            raise ImageError(f'{path} holds no pictures')
        return [read_image(file) for file in _spread(files)]
    with VideoReader(path) as video:
        step = max(1, video.expected // MOST_SOURCES)
        return _spread([frame.image for frame in video if frame.index % step == 0])


def _spread(items: list) -> list:
    return items[:: math.ceil(len(items) / MOST_SOURCES)]


def find_people(pipeline: PosePipeline, sources: Iterable[np.ndarray], size: tuple[int, int]) -> list[np.ndarray]:
    """The people whom the pipeline is sure of in the sources, scaled to ``size`` (width, height), each cut out as a
    square with a margin of an eighth, ``(h, w, 3)`` BGR. Raises ParameterError if there are none."""
    found = []
    for source in sources:
        image = _mosaic([source], size)  # so that all have one shape, for which a backend prepares itself once
        limit = image.shape[1::-1] * 2
        for person in pipeline(image, 'bgr').people:
            side = float(max(person.box[2:] - person.box[:2]))
            if person.score < _SURE or side < 96:
                continue
            middle = np.tile((person.box[:2] + person.box[2:]) / 2, 2)
            square = middle + np.array([-side, -side, side, side]) / 2
            x0, y0, x1, y1 = expand(square, (1 / _TALLEST - 1) / 2).clip(0, limit).astype(int)
            found.append(image[y0:y1, x0:x1].copy())
    if not found:
        raise ParameterError('--images shows nobody clearly enough to be cut out')
    return found


def crowds(
    pipeline: PosePipeline, people: Sequence[np.ndarray], count: int, images: int, size: tuple[int, int]
) -> tuple[list[np.ndarray], float]:
    """``images`` images of ``size`` (width, height) with ``count`` of the people, and how many the pipeline finds in
    them, the mean. Of more that are made those are taken in which it finds nearest to ``count``."""
    random = np.random.default_rng(count)
    made = [
        _mosaic([people[index] for index in random.integers(len(people), size=count)], size)
        for _ in range(_TRIES * images)
    ]
    found = [len(pipeline(image, 'bgr').people) for image in made]
    best = sorted(range(len(made)), key=lambda index: abs(found[index] - count))[:images]
    return [made[index] for index in best], float(np.mean([found[index] for index in best]))


def _mosaic(cutouts: Sequence[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """The cutouts in the cells of a grid as square as it can be, as large as they fit."""
    width, height = size
    columns = math.ceil(math.sqrt(len(cutouts)))
    rows = math.ceil(len(cutouts) / columns)
    image = np.full((height, width, 3), 127, np.uint8)
    for index, cutout in enumerate(cutouts):
        row, column = divmod(index, columns)
        x0, x1 = width * column // columns, width * (column + 1) // columns
        y0, y1 = height * row // rows, height * (row + 1) // rows
        scale = min((x1 - x0) / cutout.shape[1], (y1 - y0) / cutout.shape[0])
        fitted = cv2.resize(cutout, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[: y1 - y0, : x1 - x0]
        image[y0 : y0 + fitted.shape[0], x0 : x0 + fitted.shape[1]] = fitted
    return image
