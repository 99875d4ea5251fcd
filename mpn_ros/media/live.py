"""Cameras of this computer and streams of others: frames that come until somebody ends it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager

import cv2

from mpn_ros.decoding.silence import decoders_silenced
from mpn_ros.errors import ImageError
from mpn_ros.media.capture import only_videos
from mpn_ros.media.video import VideoFrame

SCHEMES = 'rtsp', 'rtsps', 'rtmp', 'http', 'https', 'udp', 'tcp'
"""Kinds of addresses that FFmpeg is asked for."""
_DEVICE = re.compile(r'/dev/video\d+')
_ADDRESS = re.compile(r'([A-Za-z][A-Za-z0-9+.-]+)://')


def is_live(name: str) -> bool:
    """Whether it names a camera or a stream. Raises ImageError for an address of another kind."""
    address = _ADDRESS.match(name)
    if address is not None and address[1].lower() not in SCHEMES:
        raise ImageError(
            f'{name} is an address that cannot be read; there are {", ".join(SCHEMES)}, and files by their names'
        )
    return address is not None or _DEVICE.fullmatch(name) is not None


def without_login(name: str) -> str:
    """The address without the user and the password in it."""
    return re.sub(r'//[^/@]*@', '//', name)


class LiveReader(AbstractContextManager['LiveReader']):
    """The frames of a camera (``/dev/video0``) or a stream (``rtsp://...``) with the seconds since the first, as
    ``VideoReader`` has them. Raises ImageError if it cannot be opened."""

    fault: str | None = None
    untimed = False
    expected = 0

    def __init__(self, name: str) -> None:
        with decoders_silenced(), only_videos(live=True):
            self._capture = cv2.VideoCapture(name, cv2.CAP_V4L2 if _DEVICE.fullmatch(name) else cv2.CAP_FFMPEG)
            more, first = self._capture.read() if self._capture.isOpened() else (False, None)
        if not more or first is None:
            self._capture.release()
            raise ImageError(f'{without_login(name)} cannot be opened, or shows nothing')
        self._first, self._begin = first, time.monotonic()
        self.height, self.width = first.shape[:2]
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = fps if 0 < fps < 1000 else 30.0

    def overlay_rate(self) -> float:
        """See ``VideoReader``."""
        return self.fps

    def __iter__(self) -> Iterator[VideoFrame]:
        index, image, seconds = 0, self._first, 0.0
        while True:
            yield VideoFrame(index, seconds, image)
            with decoders_silenced():
                more, image = self._capture.read()
            if not more or image is None:
                return
            index, seconds = index + 1, time.monotonic() - self._begin

    def __exit__(self, *exception: object) -> None:
        self._capture.release()
