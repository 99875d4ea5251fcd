"""Which depth image belongs to which result: the one of the nearest stamp, whichever of the two comes first.

Nothing of ROS is imported.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Any, Generic, TypeVar

Result = TypeVar('Result')

KEPT = 30
"""Depth images that are kept: those of the second before, for a network that takes so long over an image."""


def nanoseconds(header: Any) -> int:
    """The stamp of a ``std_msgs/Header``."""
    return int(header.stamp.sec) * 10**9 + int(header.stamp.nanosec)


class DepthSynchronizer(Generic[Result]):
    """Pairs depth images, which come at their camera's rate, with results, which come when the network is done. Either
    may be first; a result waits for its depth image until the next result. Both methods may be called from any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._depth: deque[Any] = deque(maxlen=KEPT)
        self._waiting: tuple[int, float, Result] | None = None

    def add_depth(self, image: Any) -> Result | None:
        """A depth image has come: the result that waited for it, if it is within that one's tolerance."""
        with self._lock:
            self._depth.append(image)
            if self._waiting is None or abs(nanoseconds(image.header) - self._waiting[0]) > self._waiting[1] * 1e9:
                return None
            result, self._waiting = self._waiting[2], None
            return result

    def add_result(self, header: Any, result: Result, tolerance: float) -> tuple[Any | None, Result | None]:
        """A result for the image of ``header`` is there: its depth image, or None and the result waits from now on; and
        the result that waited until now, which gets none."""
        stamp = nanoseconds(header)
        with self._lock:
            overtaken, self._waiting = self._waiting, None
            image = min(self._depth, key=lambda image: abs(nanoseconds(image.header) - stamp), default=None)
            if image is None or abs(nanoseconds(image.header) - stamp) > tolerance * 1e9:
                image, self._waiting = None, (stamp, tolerance, result)
            return image, overtaken[2] if overtaken else None
