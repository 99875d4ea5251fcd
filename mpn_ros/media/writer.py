"""Videos into files: frame after frame, or pictures at their times."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mpn_ros.decoding.silence import decoders_silenced
from mpn_ros.errors import ImageError
from mpn_ros.files import utf8_name, written_whole
from mpn_ros.media.capture import open_capture

CODEC = 'mp4v'
"""MPEG-4 part 2: the one codec for .mp4 that every OpenCV build with FFmpeg can write (H.264 needs an encoder that
pip's lacks)."""
LONGEST = 60.0
"""Seconds that a picture stays at most: a clock that is set during a recording jumps by years."""


class VideoWriter(AbstractContextManager['VideoWriter']):
    """An .mp4 that appears under its name when it is complete: left by an exception, it leaves nothing behind.
    Frames are ``(height, width, 3)`` BGR; of an odd width or height the video lacks the last column or row, as its
    codec has even sizes only, but a side of one pixel gets a second. Raises ImageError if the file cannot be written,
    at the end too: OpenCV does not tell while it writes."""

    def __init__(self, path: str | Path, fps: float, width: int, height: int) -> None:
        self.path = Path(path)
        self._size, self._written = (height, width), 0
        with ExitStack() as stack:
            self._unfinished = stack.enter_context(written_whole(self.path))
            with utf8_name(self._unfinished) as name, decoders_silenced():
                self._writer = cv2.VideoWriter(
                    name, cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*CODEC), fps, (max(2, width), max(2, height))
                )
            if not self._writer.isOpened():
                raise ImageError(f'{path} cannot be written as {CODEC} video of {width}x{height}')
            self._whole = stack.pop_all()

    def write(self, image: np.ndarray) -> None:
        """Appends a frame. Raises ImageError for a frame of another size, which OpenCV would drop without a word."""
        if image.shape[:2] != self._size:
            raise ImageError(
                f'{self.path}: a frame of {image.shape[1]}x{image.shape[0]} in a video of '
                f'{self._size[1]}x{self._size[0]}'
            )
        if 1 in self._size:
            image = np.repeat(np.repeat(image, 1 + (self._size[0] == 1), 0), 1 + (self._size[1] == 1), 1)
        self._writer.write(image)
        self._written += 1

    def __exit__(self, kind: type[BaseException] | None, *exception: Any) -> None:
        with decoders_silenced():
            self._writer.release()
        if kind is not None:
            self._whole.__exit__(kind, *exception)
            return
        try:
            with self._whole:
                self._check()
        except OSError as error:
            raise ImageError(f'{self.path} cannot be written: {error.strerror}') from error

    def _check(self) -> None:
        """That all frames are in the file: where the disk is full OpenCV writes on and says nothing."""
        try:
            capture = open_capture(self._unfinished, raw=True)
            found = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
            capture.release()
        except ImageError:
            found = 0
        if found < self._written:
            raise ImageError(
                f'{self.path} cannot be written: {found} of {self._written} frames are in the file; '
                'the disk may be full'
            )


class TimedVideo(AbstractContextManager['TimedVideo']):
    """An .mp4 of ``fps`` frames a second; a picture stays until the time of the next one, but not longer than
    ``LONGEST``. The size is that of the first picture, to which others are resized. As ``VideoWriter``, it appears when
    it is complete, and raises ImageError."""

    def __init__(self, path: Path, fps: float) -> None:
        self._path, self._fps = path, fps
        self._video: VideoWriter | None = None
        self._start, self._shown, self._written = 0.0, 0.0, 0
        self._picture: np.ndarray | None = None

    def show(self, picture: np.ndarray, seconds: float) -> None:
        """``picture`` ``(H, W, 3)`` BGR from ``seconds`` on; times must not go back."""
        if self._video is None or self._picture is None:
            height, width = picture.shape[:2]
            self._video, self._start = VideoWriter(self._path, self._fps, width, height), seconds
        else:
            self._start += max(0.0, seconds - self._shown - LONGEST)
            self._hold(round((seconds - self._start) * self._fps))
            height, width = self._picture.shape[:2]
        self._shown = seconds
        self._picture = picture if picture.shape[:2] == (height, width) else cv2.resize(picture, (width, height))

    def _hold(self, frames: int) -> None:
        assert self._video is not None and self._picture is not None
        while self._written < frames:
            self._video.write(self._picture)
            self._written += 1

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        if self._video is not None:
            if kind is None:
                self._hold(self._written + 1)
            self._video.__exit__(kind, *exception)
