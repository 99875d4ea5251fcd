"""What the threads of a worker do next: the newest frame of each camera is decoded and inferred, never a queue of old
ones, and its answer published."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import NamedTuple, TypeVar

from mpn_ros.scene import Scene
from mpn_ros.serving.frames import Decoded, Frame, Source

T = TypeVar('T', Frame, Decoded)


class Answered(NamedTuple):
    """The frames of a batch, a scene for each or why there is none, when inference began (monotonic) and the seconds
    that it took."""

    decoded: Mapping[Source, Decoded]
    scenes: Sequence[Scene | Exception]
    began: float
    seconds: float


class ToDecode(NamedTuple):
    """Frames to be decoded; ``put_decoded`` is due then."""

    frames: Mapping[Source, Frame]


class ToInfer(NamedTuple):
    """A batch for inference; ``put_answered`` is due then."""

    decoded: Mapping[Source, Decoded]


class ToPublish(NamedTuple):
    """Answers to be published; ``published`` is due then."""

    answered: Answered


class Agenda:
    """Hands out what is to be done next, to whichever thread asks: one at a time decodes, one infers, ``largest()``
    frames at most, and one publishes.

    Sources take turns: first is the one from which inference has not taken for longest. Only frames of those whose turn
    is next are decoded, and again when a newer one comes, so that little is decoded in vain. What is overtaken, or left
    after the end, is counted as dropped. Answers are all published, in their order, so inference waits for slow
    publishing.

    ``patience()``: seconds after the receipt of a frame for which inference may wait for frames of further sources, up
    to ``largest()``, but of none that is silent.
    """

    def __init__(self, largest: Callable[[], int], patience: Callable[[], float]) -> None:
        self._largest, self._patience = largest, patience
        self._changed = threading.Condition(threading.Lock())
        self._turns: list[Source] = []
        self._frames: dict[Source, Frame] = {}
        self._decoded: dict[Source, Decoded] = {}
        self._answers: deque[Answered] = deque()
        self._decoding = self._inferring = self._publishing = self._closed = False

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

    def put_answered(self, answered: Answered) -> None:
        """Leaves the answers of ``ToInfer`` to be published. Never blocks."""
        with self._changed:
            self._inferring = False
            self._answers.append(answered)

    def published(self) -> None:
        """The answers of ``ToPublish`` are sent."""
        with self._changed:
            self._publishing = False

    def take(self) -> ToDecode | ToInfer | ToPublish | None:
        """What is to be done, as soon as there is something; None after the end."""
        with self._changed:
            while (task := self._task()) is None and not self._closed:
                self._changed.wait(self._wait())
            self._rouse()
            return task

    def close(self) -> None:
        """The end: what waits is dropped, but for answers."""
        with self._changed:
            self._closed = True
            for source in (*self._frames, *self._decoded):
                source.counters.drop()
            self._frames, self._decoded = {}, {}
            self._changed.notify_all()

    def _leave(self, waiting: dict[Source, T], things: Mapping[Source, T]) -> None:
        for source in things:
            if self._closed or source in waiting:
                source.counters.drop()
        if not self._closed:
            waiting.update(things)

    def _rouse(self) -> None:
        """Wakes a thread if there is something to do for one more. Not by what a thread leaves that asks next itself:
        two would be in each other's way."""
        if self._wait() is not None or self._may_publish() or self._to_decode():
            self._changed.notify()

    def _task(self) -> ToDecode | ToInfer | ToPublish | None:
        if self._wait() == 0:
            batch = [*islice((source for source in self._turns if source in self._decoded), self._largest())]
            self._turns = [source for source in self._turns if source not in batch] + batch
            self._inferring = True
            return ToInfer({source: self._decoded.pop(source) for source in batch})
        if self._may_publish():
            self._publishing = True
            return ToPublish(self._answers.popleft())
        if sources := self._to_decode():
            self._decoding = True
            return ToDecode({source: self._frames.pop(source) for source in sources})
        return None

    def _wait(self) -> float | None:
        """Seconds until the next batch may be taken; None if nobody knows."""
        if not self._decoded or self._inferring or (self._answers and self._publishing):
            return None
        patience = self._patience()
        if not patience or self._complete():
            return 0.
        first = min(decoded.received for decoded in self._decoded.values())
        return max(0., first + patience - time.monotonic())

    def _complete(self) -> bool:
        """Whether nothing is left to wait for."""
        expected = sum(not source.silent for source in self._turns)
        return len(self._decoded) >= min(self._largest(), expected)

    def _may_publish(self) -> bool:
        return bool(self._answers) and not self._publishing

    def _to_decode(self) -> list[Source]:
        """Who has a frame to decode among those whose turn it is; nobody while another thread decodes."""
        if self._decoding:
            return []
        waiting = (source for source in self._turns if source in self._frames or source in self._decoded)
        return [source for source in islice(waiting, self._largest()) if source in self._frames]
