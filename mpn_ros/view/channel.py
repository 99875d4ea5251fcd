"""The newest frame of one camera, and the browsers that wait for a newer one."""

from __future__ import annotations

import threading
import time
from typing import NamedTuple

from mpn_ros.view.annotated_frame import AnnotatedFrame


class FrameState(NamedTuple):
    """``frame`` is the ``number``-th, from 1, and has been here for ``held`` seconds; 0 and None before the first.
    ``silence``: seconds since the last image, answered or not; None before the first."""

    number: int
    frame: AnnotatedFrame | None
    held: float
    silence: float | None


class Channel:
    """All methods may be called from any thread; ``show`` and ``image`` never wait for a browser."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._frame: AnnotatedFrame | None = None
        self._number, self._shown_at = 0, 0.0
        self._image_at: float | None = None

    def image(self) -> None:
        """An image has come, whether or not it will be answered."""
        self._image_at = time.monotonic()

    def show(self, frame: AnnotatedFrame) -> None:
        """Replaces the frame that was shown."""
        with self._news:
            self._number, self._frame, self._shown_at = self._number + 1, frame, time.monotonic()
            self._news.notify_all()

    def wait(self, after: int, timeout: float) -> FrameState:
        """What is shown as soon as it is another than the one numbered ``after``, at the latest after ``timeout``
        seconds."""
        with self._news:
            self._news.wait_for(lambda: self._number != after, timeout)
            number, frame, shown_at, image_at = self._number, self._frame, self._shown_at, self._image_at
        now = time.monotonic()
        return FrameState(
            number, frame, now - shown_at if number else 0.0, None if image_at is None else now - image_at
        )
