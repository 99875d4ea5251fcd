"""What waits for a thread: the newest thing of each source, never a queue of old ones."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Generic, Protocol, TypeVar

from mpn_ros.ros.counters import Counters


class Counted(Protocol):
    """Something whose frames are counted: a camera."""

    counters: Counters


S = TypeVar('S', bound=Counted)
T = TypeVar('T')


class Newest(Generic[S, T]):
    """One thread leaves things, another takes them. What is overtaken, or left after the end, is counted as dropped."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._things: dict[S, T] = {}
        self._closed = False

    def put(self, things: Mapping[S, T]) -> None:
        """Leaves them together, in the place of what waits of the same sources. Never blocks."""
        with self._changed:
            for source in things:
                if self._closed or source in self._things:
                    source.counters.drop()
            if not self._closed:
                self._things.update(things)
                self._changed.notify()

    def take(self) -> dict[S, T] | None:
        """All that waits, as soon as there is something; None after the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._things or self._closed)
            things, self._things = self._things, {}
            return None if self._closed else things

    def close(self) -> None:
        """The end: what waits is dropped."""
        with self._changed:
            self._closed = True
            for source in self._things:
                source.counters.drop()
            self._things = {}
            self._changed.notify()
