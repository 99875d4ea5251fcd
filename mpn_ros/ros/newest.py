"""What waits to be decoded and what waits for inference: the newest frame of each camera, never a queue of old ones."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from itertools import islice
from typing import TypeVar

from mpn_ros.ros.frames import Decoded, Frame, Source

T = TypeVar('T', Frame, Decoded)


class Newest:
    """One thread receives frames, one decodes them, one takes them for inference, ``largest()`` of them at most.

    Sources take turns: first is the one from which inference has not taken for longest. Only frames of those whose turn
    is next are decoded, and again when a newer one comes, so that little is decoded in vain. What is overtaken, or left
    after the end, is counted as dropped.

    ``patience()``: seconds after the receipt of a frame for which inference may wait for frames of further sources, up
    to ``largest()``, but of none that is silent.
    """

    def __init__(self, largest: Callable[[], int], patience: Callable[[], float]) -> None:
        self._largest, self._patience = largest, patience
        lock = threading.Lock()
        self._to_decode, self._to_infer = threading.Condition(lock), threading.Condition(lock)
        self._turns: list[Source] = []
        self._frames: dict[Source, Frame] = {}
        self._decoded: dict[Source, Decoded] = {}
        self._closed = False

    def put(self, source: Source, frame: Frame) -> None:
        """Leaves a frame to be decoded. Never blocks."""
        with self._to_decode:
            if source not in self._turns:
                self._turns.insert(0, source)
            self._leave(self._frames, {source: frame})
            self._to_decode.notify()

    def put_decoded(self, decoded: Mapping[Source, Decoded]) -> None:
        """Leaves pictures for inference, together. Never blocks."""
        with self._to_infer:
            self._leave(self._decoded, decoded)
            self._to_infer.notify()

    def _leave(self, waiting: dict[Source, T], things: Mapping[Source, T]) -> None:
        for source in things:
            if self._closed or source in waiting:
                source.counters.drop()
        if not self._closed:
            waiting.update(things)

    def take_frames(self) -> dict[Source, Frame] | None:
        """What is to be decoded now, as soon as there is something; None after the end."""
        with self._to_decode:
            self._to_decode.wait_for(lambda: self._next() or self._closed)
            return None if self._closed else {source: self._frames.pop(source) for source in self._next()}

    def _next(self) -> list[Source]:
        """Who has a frame to decode among those whose turn it is."""
        waiting = (source for source in self._turns if source in self._frames or source in self._decoded)
        return [source for source in islice(waiting, self._largest()) if source in self._frames]

    def take(self) -> dict[Source, Decoded] | None:
        """The next batch, as soon as there is one; None after the end."""
        with self._to_infer:
            self._to_infer.wait_for(lambda: self._decoded or self._closed)
            if not self._closed and (patience := self._patience()):
                first = min(decoded.received for decoded in self._decoded.values())
                self._to_infer.wait_for(self._complete, max(0., first + patience - time.monotonic()))
            if self._closed:
                return None
            batch = [*islice((source for source in self._turns if source in self._decoded), self._largest())]
            self._turns = [source for source in self._turns if source not in batch] + batch
            self._to_decode.notify()
            return {source: self._decoded.pop(source) for source in batch}

    def _complete(self) -> bool:
        """Whether nothing is left to wait for."""
        expected = sum(not source.silent for source in self._turns)
        return self._closed or len(self._decoded) >= min(self._largest(), expected)

    def close(self) -> None:
        """The end: what waits is dropped."""
        with self._to_decode:
            self._closed = True
            for source in (*self._frames, *self._decoded):
                source.counters.drop()
            self._frames, self._decoded = {}, {}
            self._to_decode.notify()
            self._to_infer.notify()
