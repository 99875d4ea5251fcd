"""Pictures that follow each other: animated GIF, PNG, WebP, AVIF and FLI."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mpn_ros.decoding.silence import decoders_silenced
from mpn_ros.errors import ImageError
from mpn_ros.media.images import load_image
from mpn_ros.media.pillow import identify, unpack

_SHORTEST = 0.011
"""Seconds below which browsers, and so makers of such files, take the duration of a picture for missing."""
_MISSING = 0.1
MOST_PIXELS = 2**24
"""Pixels of a picture of an animation, of which there are many; a file of a few bytes may claim any."""


class Animation:
    """Times in seconds and pictures ``(H, W, 3)`` BGR, over and over. ``fault`` says after the last what is missing.
    Raises ImageError where not even the first can be shown."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fault: str | None = None
        picture = identify(path)
        if picture is None:
            raise ImageError(f'{path} is not an animation')
        if picture.size[0] * picture.size[1] > MOST_PIXELS:
            picture.close()
            raise ImageError(
                f'{path} is an animation of {picture.size[0]}x{picture.size[1]}, more than {MOST_PIXELS} pixels'
            )
        self._picture = picture
        # The picture for those who show no animation is none of its own.
        self._begin = 1 if picture.info.get('default_image') else 0
        self.expected = self._count()
        first, self._size = self._show(0), picture.size
        if first is None:  # OpenCV may know better; then there is one
            self.first, self.expected = load_image(path).image, 1
            self.fault = f'{path} is damaged: 1 frame could be decoded'
        else:
            self.first = first
        self.fps = 1 / self._duration()

    def __iter__(self) -> Iterator[tuple[float, np.ndarray]]:
        time = 0.0
        for index in range(self.expected):
            image = self._show(index) if index else self.first
            if image is None:
                self.fault = f'{self.path} is cut off: {index} of {self.expected} frames could be decoded'
                return
            duration = self._duration() if index else 1 / self.fps
            yield time, image
            time += duration

    def times(self, most: int = 300) -> list[float]:
        """When the first pictures begin, in seconds."""
        times = [0.0]
        for index in range(min(self.expected, most)):
            if not self._seek(index):
                break
            times.append(times[-1] + self._duration())
        return times

    def close(self) -> None:
        """Closes the file."""
        self._picture.close()

    def _count(self) -> int:
        """The pictures that it announces, or that can be counted."""
        try:
            return getattr(self._picture, 'n_frames', 1) - self._begin
        except Exception:  # as below
            return 1

    def _seek(self, index: int) -> bool:
        """Whether there is such a picture, of the size of the first: one of another may claim any."""
        try:
            with decoders_silenced(of_files=True):
                self._picture.seek(self._begin + index)
                if index and self._picture.size != self._size:
                    return False
                self._picture.load()  # WebP tells the duration no sooner
                return True
        except Exception:  # each of Pillow's readers has its own ways to fail
            return False

    def _show(self, index: int) -> np.ndarray | None:
        if not self._seek(index):
            return None
        try:
            with decoders_silenced(of_files=True):
                return unpack(self._picture.copy(), upright=False)
        except Exception:  # as above
            return None

    def _duration(self) -> float:
        """Of the picture that is shown."""
        try:
            seconds = float(self._picture.info.get('duration', 0)) / 1000
        except (TypeError, ValueError):
            seconds = 0.0
        return seconds if _SHORTEST <= seconds < 1e6 else _MISSING
