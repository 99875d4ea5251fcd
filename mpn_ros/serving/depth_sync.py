"""Which depth image belongs to which answer: the one of the nearest stamp, whichever of the two comes first.

Nothing of ROS is imported.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Any, Generic, TypeVar

Answer = TypeVar('Answer')

KEPT = 30
"""Depth images that are kept: those of the second before, for a network that takes so long over an image."""


def nanoseconds(header: Any) -> int:
    """The stamp of a ``std_msgs/Header``."""
    return int(header.stamp.sec) * 10**9 + int(header.stamp.nanosec)


class DepthPairing(Generic[Answer]):
    """Pairs depth images, which come at their camera's rate, with answers, which come when the network is done. Either
    may be first; an answer waits for its depth image until the next answer. Both methods may be called from any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._images: deque[Any] = deque(maxlen=KEPT)
        self._waiting: tuple[int, Answer] | None = None

    def hear(self, image: Any, tolerance: float) -> Answer | None:
        """A depth image has come: the answer that waited for it, if it is within ``tolerance`` seconds."""
        with self._lock:
            self._images.append(image)
            if self._waiting is None or abs(nanoseconds(image.header) - self._waiting[0]) > tolerance * 1e9:
                return None
            answer, self._waiting = self._waiting[1], None
            return answer

    def find(self, header: Any, answer: Answer, tolerance: float) -> tuple[Any | None, Answer | None]:
        """An answer to the image of ``header`` is there: its depth image, or None and the answer waits from now on; and
        the answer that waited until now, which gets none."""
        stamp = nanoseconds(header)
        with self._lock:
            overtaken, self._waiting = self._waiting, None
            image = min(self._images, key=lambda image: abs(nanoseconds(image.header) - stamp), default=None)
            if image is None or abs(nanoseconds(image.header) - stamp) > tolerance * 1e9:
                image, self._waiting = None, (stamp, answer)
            return image, overtaken[1] if overtaken else None
