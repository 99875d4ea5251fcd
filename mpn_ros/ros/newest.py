"""What waits to be decoded and what waits for inference: the newest frame of each camera, never a queue of old ones."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from itertools import islice
from typing import NamedTuple, TypeVar

from mpn_ros.ros.frames import Decoded, Frame, Source

T = TypeVar('T', Frame, Decoded)


class ToDecode(NamedTuple):
    """Frames to be decoded; ``put_decoded`` is due then."""

    frames: Mapping[Source, Frame]


class ToInfer(NamedTuple):
    """A batch for inference; ``inferred`` is due then."""

    decoded: Mapping[Source, Decoded]


class Newest:
    """Hands out what is to be done next, to whichever thread asks: one at a time decodes, and one infers, ``largest()``
    frames at most.

    Sources take turns: first is the one from which inference has not taken for longest. Only frames of those whose turn
    is next are decoded, and again when a newer one comes, so that little is decoded in vain. What is overtaken, or left
    after the end, is counted as dropped.

    ``patience()``: seconds after the receipt of a frame for which inference may wait for frames of further sources, up
    to ``largest()``, but of none that is silent.
    """

    def __init__(self, largest: Callable[[], int], patience: Callable[[], float]) -> None:
        self._largest, self._patience = largest, patience
        self._changed = threading.Condition(threading.Lock())
        self._turns: list[Source] = []
        self._frames: dict[Source, Frame] = {}
        self._decoded: dict[Source, Decoded] = {}
        self._decoding = self._inferring = self._closed = False

    def put(self, source: Source, frame: Frame) -> None:
        """Leaves a frame to be decoded. Never blocks."""
        with self._changed:
            if source not in self._turns:
                self._turns.insert(0, source)
            self._leave(self._frames, {source: frame})
            self._rouse()

    def put_decoded(self, decoded: Mapping[Source, Decoded]) -> None:
        """Leaves the pictures of ``ToDecode`` for inference, together. Never blocks."""
        with self._changed:
            self._decoding = False
            self._leave(self._decoded, decoded)

    def inferred(self) -> None:
        """Inference is free for the next batch."""
        with self._changed:
            self._inferring = False
            self._rouse()

    def _leave(self, waiting: dict[Source, T], things: Mapping[Source, T]) -> None:
        for source in things:
            if self._closed or source in waiting:
                source.counters.drop()
        if not self._closed:
            waiting.update(things)

    def _rouse(self) -> None:
        """Wakes a thread if there is something to do for one more. Not after ``put_decoded``, whose thread asks next
        itself: two would be in each other's way."""
        if self._wait() is not None or (not self._decoding and self._next()):
            self._changed.notify()

    def take(self) -> ToDecode | ToInfer | None:
        """What is to be done, as soon as there is something; None after the end."""
        with self._changed:
            while not self._closed:
                wait = self._wait()
                if wait == 0:
                    return self._take_batch()
                if not self._decoding and (sources := self._next()):
                    self._decoding = True
                    return ToDecode({source: self._frames.pop(source) for source in sources})
                self._changed.wait(wait)
            return None

    def _wait(self) -> float | None:
        """Seconds until the next batch may be taken; None if nobody knows."""
        if self._inferring or not self._decoded:
            return None
        patience = self._patience()
        if not patience or self._complete():
            return 0.
        first = min(decoded.received for decoded in self._decoded.values())
        return max(0., first + patience - time.monotonic())

    def _next(self) -> list[Source]:
        """Who has a frame to decode among those whose turn it is."""
        waiting = (source for source in self._turns if source in self._frames or source in self._decoded)
        return [source for source in islice(waiting, self._largest()) if source in self._frames]

    def _take_batch(self) -> ToInfer:
        batch = [*islice((source for source in self._turns if source in self._decoded), self._largest())]
        self._turns = [source for source in self._turns if source not in batch] + batch
        task = ToInfer({source: self._decoded.pop(source) for source in batch})
        self._inferring = True
        self._rouse()
        return task

    def _complete(self) -> bool:
        """Whether nothing is left to wait for."""
        expected = sum(not source.silent for source in self._turns)
        return len(self._decoded) >= min(self._largest(), expected)

    def close(self) -> None:
        """The end: what waits is dropped."""
        with self._changed:
            self._closed = True
            for source in (*self._frames, *self._decoded):
                source.counters.drop()
            self._frames, self._decoded = {}, {}
            self._changed.notify_all()
