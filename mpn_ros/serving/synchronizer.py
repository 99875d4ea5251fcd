"""Messages of one moment that come on several topics: which belong together is told by their stamps, or where these
cannot tell by when they came."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple


class Match(NamedTuple):
    """A main message and what belongs to it.

    parts: by stream; a stream of which nothing belongs to it, or nothing came in time, is left out.
    by_arrival: whether this was told by the times of arrival, as the stamps could not tell.
    """

    message: Any
    parts: dict[str, Any]
    by_arrival: bool


class _Stamped(NamedTuple):
    stamp: int
    received: float
    message: Any


class _Stream:
    """The newest messages of a topic."""

    def __init__(self, kept: int) -> None:
        self.messages: deque[_Stamped] = deque(maxlen=kept)

    def add(self, stamped: _Stamped) -> bool:
        """Whether the stamp tells when the message was made: it is not zero, nor that of the message before."""
        before = self.messages[-1].stamp if self.messages else None
        self.messages.append(stamped)
        return stamped.stamp not in (0, before)


class _Waiting(NamedTuple):
    main: _Stamped
    tolerance: float
    stamp_tells: bool


class StampSynchronizer:
    """Joins each message of a main topic with those of other topics whose stamps are the nearest, within a tolerance.

    A main message waits until nothing nearer can come: until each of its parts has the same stamp, or a later message
    of that topic is there. It is given out with what there is when it is one of more than ``waiting``. One that has
    all ``required`` parts waits no longer for the ``optional`` ones when a later main message has its required parts.

    Stamps that are zero or stand still tell nothing; then those belong together that came nearest to each other, within
    the same tolerance, and of several the newest. All methods may be called from any thread.

    Args:
        required: topics without which a main message is of no use.
        optional: other topics.
        kept: how many messages of each topic are kept.
        waiting: how many main messages wait at most.
    """

    def __init__(self, required: Sequence[str], optional: Sequence[str] = (), kept: int = 30, waiting: int = 1) -> None:
        self._required = required
        self._main = _Stream(1)
        self._streams = {name: _Stream(kept) for name in (*required, *optional)}
        self._tells = dict.fromkeys(self._streams, True)
        self._limit = waiting
        self._waiting: deque[_Waiting] = deque()
        self._lock = threading.Lock()

    def add(self, message: Any, stamp: int, received: float = 0.0, tolerance: float = 0.0) -> list[Match]:
        """A main message has come.

        Args:
            stamp: its header's, in nanoseconds.
            received: when the image that it is of came, in seconds.
            tolerance: seconds.

        Returns:
            The main messages that wait no longer, in their order.
        """
        with self._lock:
            stamped = _Stamped(stamp, received, message)
            self._waiting.append(_Waiting(stamped, tolerance, self._main.add(stamped)))
            return self._settle()

    def add_part(self, topic: str, message: Any, stamp: int, received: float = 0.0) -> list[Match]:
        """A message of another topic has come. As ``add``."""
        with self._lock:
            self._tells[topic] = self._streams[topic].add(_Stamped(stamp, received, message))
            return self._settle()

    def _settle(self) -> list[Match]:
        matches = [self._match(waiting) for waiting in self._waiting]
        useful = [n for n, (match, _) in enumerate(matches) if all(name in match.parts for name in self._required)]
        done = len(matches) - self._limit
        for n, (_, final) in enumerate(matches):
            if final or (n in useful and n != useful[-1]):
                done = max(done, n + 1)
        for _ in range(done):
            self._waiting.popleft()
        return [match for match, _ in matches[: max(done, 0)]]

    def _match(self, waiting: _Waiting) -> tuple[Match, bool]:
        """What belongs to a main message by now, and whether nothing that may still come is nearer."""
        by_stamp = waiting.stamp_tells and all(self._tells.values())
        main = waiting.main
        limit = waiting.tolerance * 1e9 if by_stamp else waiting.tolerance
        parts, final = {}, True
        for name, stream in self._streams.items():
            offsets = [
                (other.stamp - main.stamp) if by_stamp else (other.received - main.received)
                for other in stream.messages
            ]
            # Of equally near ones the newest, which is the last.
            nearest = min(reversed(range(len(offsets))), key=lambda n: abs(offsets[n]), default=None)
            if nearest is None or abs(offsets[nearest]) > limit:
                final = False
                continue
            parts[name] = stream.messages[nearest].message
            final = final and (offsets[nearest] == 0 or max(offsets) > 0)
        return Match(main.message, parts, not by_stamp), final
