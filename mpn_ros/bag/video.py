"""A video that keeps the time of the recording, whatever gaps the images have."""

from __future__ import annotations

import itertools
from collections.abc import Collection
from contextlib import AbstractContextManager
from pathlib import Path

import cv2
import numpy as np
from rosbags.interfaces import Connection

from mpn_ros.bag.recording import Recording
from mpn_ros.media import VideoWriter

SAMPLE = 33
"""Images at the beginning of a topic whose intervals tell its rate."""
LONELY_RATE = 10.
"""Frames a second where there is but one image."""
LONGEST = 60.
"""Seconds that a picture stays at most: a clock that is set during the recording jumps by years."""


def frame_rate(recording: Recording, connections: Collection[Connection]) -> float:
    """Images a second of a topic: the median over its first images, so that a pause does not count."""
    stamps = [stamp for _, stamp, _ in itertools.islice(recording.messages(connections), SAMPLE)]
    intervals = np.diff(stamps)
    intervals = intervals[intervals > 0]
    return round(min(1e9 / float(np.median(intervals)), 120.), 3) if len(intervals) else LONELY_RATE


class TimedVideo(AbstractContextManager['TimedVideo']):
    """An .mp4 of ``fps`` frames a second; a picture stays until the time of the next one, but not longer than
    ``LONGEST``. The size is that of the first picture, to which others are resized. As ``VideoWriter``, it appears when
    it is complete, and raises ImageError."""

    def __init__(self, path: Path, fps: float) -> None:
        self._path, self._fps = path, fps
        self._video: VideoWriter | None = None
        self._start, self._shown, self._written = 0., 0., 0
        self._picture: np.ndarray | None = None

    def show(self, picture: np.ndarray, seconds: float) -> None:
        """``picture`` ``(H, W, 3)`` BGR from ``seconds`` on; times must not go back."""
        if self._video is None or self._picture is None:
            height, width = picture.shape[:2]
            self._video, self._start = VideoWriter(self._path, self._fps, width, height), seconds
        else:
            self._start += max(0., seconds - self._shown - LONGEST)
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
            self._hold(self._written + 1)
            self._video.__exit__(kind, *exception)
