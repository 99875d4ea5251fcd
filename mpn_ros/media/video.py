"""Videos and animations as frames with their times."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from mpn_ros.decoding.silence import decoders_silenced
from mpn_ros.errors import ImageError
from mpn_ros.media.animation import Animation
from mpn_ros.media.capture import open_capture, packet_times, why_nothing
from mpn_ros.media.container import edited_seconds, ends_early, lists_frames
from mpn_ros.media.kinds import media_kind
from mpn_ros.media.readable import readable

COMPLETE = 0.9
"""Share of the announced frames below which it is looked into whether a video is whole; what files announce is only
about right."""

SAMPLE = 300
"""Frames at the beginning whose intervals tell whether they come regularly."""
LONGEST_PAUSE = 1e6
"""Seconds between two frames beyond which a time is none: OpenCV 4 makes a number of one that is missing."""
FASTEST = 60.0
"""Most frames a second of an overlay whose video has no rate of its own."""


class VideoFrame(NamedTuple):
    """A frame of a video: its number from 0, its time in seconds from the start, its pixels ``(H, W, 3)`` BGR."""

    index: int  # type: ignore[assignment]  # it hides tuple.index, which no frame needs
    time: float
    image: np.ndarray


class VideoReader(AbstractContextManager['VideoReader']):
    """The frames of a video or of an animated GIF, PNG, WebP or AVIF, one after another; their times always grow.

    ``fps``, ``width`` and ``height`` are the file's; ``expected`` is the number of frames that it announces, 0 if it
    does not. After the last frame ``fault`` says in a sentence what is missing of the file, and ``untimed`` whether
    frames had no times of their own and got those of ``fps``. Raises ImageError if it is not a video.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = readable(path)
        self.fault: str | None = None
        self.untimed = False
        self._capture: cv2.VideoCapture | None = None
        kind = media_kind(self.path)
        if kind == 'image':
            raise ImageError(f'{path} is a picture and no video')
        if kind == 'animation':
            self._animation = Animation(self.path)
            self.fps, self.expected = self._animation.fps, self._animation.expected
            self._first = self._animation.first
        else:
            self._capture = open_capture(self.path)
            more, first = self._capture.read()
            if not more or first is None:
                raise ImageError(why_nothing(self.path, self._capture))
            self._first = first
            fps = self._capture.get(cv2.CAP_PROP_FPS)
            if fps > 1000 and len(list(itertools.islice(packet_times(self.path), 2))) < 2:
                raise ImageError(f'{path} is a sound with a picture of its own, and no video')
            self.fps = fps if 0 < fps < 1000 else 30.0
            self.expected = max(0, int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        self.height, self.width = self._first.shape[:2]

    def __iter__(self) -> Iterator[VideoFrame]:
        if self._capture is None:
            for index, (time, image) in enumerate(self._animation):
                yield VideoFrame(index, time, image)
            self.fault = self._animation.fault
            return
        yield VideoFrame(0, 0.0, self._first)
        index, time, start, stuck = 0, 0.0, self._time(), 0
        while True:
            with decoders_silenced():
                more, image = self._capture.read()
            if not more or image is None:
                self.fault = self._missing(index + 1, time)
                self.untimed = index > 0 and 2 * stuck > index
                return
            index, told = index + 1, self._time() - start
            # A stream without a container has no times, others lack the last or begin anew in their middle.
            if time < told < time + LONGEST_PAUSE:
                time = told
            else:
                stuck, time = stuck + 1, time + 1 / self.fps
            yield VideoFrame(index, time, image)

    def overlay_rate(self) -> float:
        """Frames a second that show each of this video's at its time: ``fps``, or where its intervals differ, that of
        the shortest."""
        times = (
            self._animation.times()
            if self._capture is None
            else sorted(itertools.islice(packet_times(self.path), SAMPLE))
        )
        intervals = np.diff(times)
        intervals = intervals[intervals > 0]
        if not len(intervals) or np.abs(intervals - 1 / self.fps).max() < 0.5 / self.fps:
            return self.fps
        return min(FASTEST, 1 / float(np.quantile(intervals, 0.05)))

    def _missing(self, frames: int, seconds: float) -> str | None:
        """What is missing of the file after so many frames over so many seconds, in a sentence."""
        if frames >= COMPLETE * self.expected:
            return None
        said = f'{self.path} is cut off: {frames} of {self.expected} frames could be decoded'
        if ends_early(self.path):
            return said
        # The announcement may count from a first stamp that is late, or a longer sound, or frames before a cut.
        packets = sum(1 for _ in packet_times(self.path))
        if lists_frames(self.path) and packets < COMPLETE * self.expected:
            edited = edited_seconds(self.path)
            if edited is None or frames < COMPLETE * min(edited * self.fps, self.expected):
                return said
        if frames < COMPLETE * packets and frames < COMPLETE * (seconds * self.fps + 1):
            return f'{self.path} is damaged: {frames} of {packets} frames could be decoded'
        return None

    def _time(self) -> float:
        assert self._capture is not None
        return self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000

    def __exit__(self, *exception: object) -> None:
        if self._capture is None:
            self._animation.close()
        else:
            self._capture.release()
