"""Images and videos in and out of files; pixels are BGR, as OpenCV has them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

# FFmpeg writes its own complaints about a damaged file to stderr, beside our one sentence; OpenCV reads this when it
# opens its first video. A value that the user has set stays.
os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')

import cv2
import numpy as np

from mpn_ros.errors import ImageError

CODEC = 'mp4v'
"""MPEG-4 part 2: the one codec for .mp4 that every OpenCV build with FFmpeg can write (H.264 needs an encoder that
pip's lacks)."""


def is_image(path: str | Path) -> bool:
    """Whether the file begins like a picture that OpenCV reads. Raises ImageError if it cannot be opened."""
    return cv2.haveImageReader(str(_readable(path)))


def read_image(path: str | Path, upright: bool = True) -> np.ndarray:
    """``(H, W, 3)`` uint8, BGR, turned ``upright`` as its EXIF tag says, or as it is stored. Raises ImageError."""
    flags = cv2.IMREAD_COLOR if upright else cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(np.fromfile(_readable(path), np.uint8), flags)
    except cv2.error:
        image = None
    if image is None:
        raise ImageError(f'{path} is not a picture that can be decoded')
    return image


def write_image(path: str | Path, image: np.ndarray) -> None:
    """Writes ``(H, W, 3)`` BGR in the format that the suffix names. Raises ImageError."""
    try:
        done = cv2.imwrite(str(path), image)
    except cv2.error:
        done = False
    if not done:
        raise ImageError(f'{path} cannot be written')


def _readable(path: str | Path) -> Path:
    """The path, once it is sure that there is a file to read: OpenCV's own failures do not say why."""
    path = Path(path)
    try:
        with path.open('rb') as file:
            if not file.read(1):
                raise ImageError(f'{path} is empty')
    except OSError as error:
        raise ImageError(f'{path} cannot be read: {error.strerror}') from error
    return path


class Frame(NamedTuple):
    """A frame of a video: its number from 0, its time in seconds from the start, its pixels ``(H, W, 3)`` BGR."""

    index: int  # type: ignore[assignment]  # it hides tuple.index, which no frame needs
    time: float
    image: np.ndarray


class VideoReader(AbstractContextManager['VideoReader']):
    """The frames of a video, one after another. ``fps``, ``width`` and ``height`` are the file's; ``expected`` is the
    number of frames that it announces, 0 if it does not. Raises ImageError if it is not a video."""

    def __init__(self, path: str | Path) -> None:
        self.path = _readable(path)
        self._capture = cv2.VideoCapture(str(self.path))
        opened, first = self._capture.read() if self._capture.isOpened() else (False, None)
        if not opened or first is None:
            self._capture.release()
            raise ImageError(f'{path} is neither a picture nor a video that can be decoded')
        self._first, self._first_time = first, self._time()
        self.height, self.width = self._first.shape[:2]
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = fps if 0 < fps < 1000 else 30.
        self.expected = max(0, int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)))

    def __iter__(self) -> Iterator[Frame]:
        index, time, image = 0, self._first_time, self._first
        while True:
            yield Frame(index, time, image)
            more, image = self._capture.read()
            if not more:
                return
            index, time = index + 1, self._time()

    def _time(self) -> float:
        return self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000

    def __exit__(self, *exception: object) -> None:
        self._capture.release()


class VideoWriter(AbstractContextManager['VideoWriter']):
    """An .mp4 that appears under its name when it is complete: left by an exception, it leaves nothing behind.
    Frames are ``(height, width, 3)`` BGR; of an odd width or height the video lacks the last column or row, as its
    codec has even sizes only. Raises ImageError if the file cannot be written."""

    def __init__(self, path: str | Path, fps: float, width: int, height: int) -> None:
        self.path = Path(path)
        self._size = height, width
        self._unfinished = self.path.with_name(f'.{self.path.stem}.unfinished.mp4')
        self._writer = cv2.VideoWriter(str(self._unfinished), cv2.VideoWriter.fourcc(*CODEC), fps, (width, height))
        if not self._writer.isOpened():
            raise ImageError(f'{path} cannot be written as {CODEC} video')

    def write(self, image: np.ndarray) -> None:
        """Appends a frame. Raises ImageError for a frame of another size, which OpenCV would drop without a word."""
        if image.shape[:2] != self._size:
            raise ImageError(f'{self.path}: a frame of {image.shape[1]}x{image.shape[0]} in a video of '
                             f'{self._size[1]}x{self._size[0]}')
        self._writer.write(image)

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        self._writer.release()
        if kind is None:
            os.replace(self._unfinished, self.path)
        else:
            self._unfinished.unlink(missing_ok=True)
