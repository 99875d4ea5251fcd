"""What became of a camera's frames: sent = received + missed, received = answered + dropped + malformed + failed + the
few that are under way."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

WINDOW = 5.
"""Seconds over which rates, times and recent faults are told."""
TIMES = 'latency', 'wait', 'decode', 'inference', 'publish', 'overhead', 'served', 'age'
"""What an answer takes: ``latency`` from the receipt of an image to its answer, which is the sum of the wait for the
worker, decoding, inference (of all images of a batch) and publication, and a wait within the batch; ``overhead`` is
all of it but inference; from the image's stamp ``served`` to the beginning of inference and ``age`` to the answer."""
FIGURES = 'p50', 'p95', 'p99', 'max'
"""What is told of each of them."""
Figures = tuple[float, float, float, float]


@dataclass(frozen=True)
class Snapshot:
    """The counters at one moment. ``times`` has for each of ``TIMES`` the ``FIGURES`` in seconds over the last
    ``WINDOW``, NaN where there is nothing to tell; ``silence`` is the time since the last frame, or since the start;
    ``fault`` the last fault of the window or an empty string."""

    received: int
    missed: int
    answered: int
    dropped: int
    malformed: int
    failed: int
    unplaced: int
    people: int
    rate: float
    times: dict[str, Figures]
    silence: float
    fault: str

    @property
    def under_way(self) -> int:
        """Frames that were received and of which nothing is known yet."""
        return self.received - self.answered - self.dropped - self.malformed - self.failed


class Counters:
    """Counts the frames of one camera; all methods may be called from any thread. ``clock`` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._received = self._missed = self._answered = self._dropped = self._malformed = self._failed = 0
        self._unplaced = self._people = 0
        self._started = self._last_frame = clock()
        self._numbers: dict[Hashable, int] = {}
        self._times: dict[str, deque[tuple[float, float]]] = {name: deque() for name in TIMES}
        self._fault, self._fault_at = '', -math.inf

    def receive(self) -> None:
        """A frame has come."""
        with self._lock:
            self._received += 1
            self._last_frame = self._clock()

    def number(self, sender: Hashable, number: int) -> None:
        """The frame that has come is the ``number``-th that ``sender`` sent: those between it and the one before were
        missed. What a sender sent before it was first heard is not."""
        with self._lock:
            self._missed += max(0, number - self._numbers.get(sender, number) - 1)
            self._numbers[sender] = number

    def drop(self) -> None:
        """A newer frame, or the end, has overtaken one that waited."""
        with self._lock:
            self._dropped += 1

    def answer(self, people: int, seconds: Mapping[str, float]) -> None:
        """A frame has been answered with ``people`` persons, and taken these of ``TIMES``, NaN where one cannot be
        told."""
        with self._lock:
            self._answered += 1
            self._people = people
            now = self._clock()
            for name, value in seconds.items():
                self._times[name].append((now, value))
                _forget(self._times[name], now)

    def malform(self, why: str) -> None:
        """A frame was no image."""
        with self._lock:
            self._malformed += 1
            self._fault, self._fault_at = why, self._clock()

    def fail(self, why: str) -> None:
        """A frame could not be answered."""
        with self._lock:
            self._failed += 1
            self._fault, self._fault_at = why, self._clock()

    def lack(self, why: str) -> None:
        """A frame that has been answered gets no positions in metres."""
        with self._lock:
            self._unplaced += 1
            self._fault, self._fault_at = why, self._clock()

    @property
    def silence(self) -> float:
        """Seconds since the last frame, or since the start."""
        return self._clock() - self._last_frame

    def snapshot(self) -> Snapshot:
        """The counters now."""
        with self._lock:
            now = self._clock()
            for times in self._times.values():
                _forget(times, now)
            return Snapshot(
                self._received, self._missed, self._answered, self._dropped, self._malformed, self._failed,
                self._unplaced, self._people,
                rate=len(self._times['latency']) / max(min(now - self._started, WINDOW), 1e-3),
                times={name: _figures([seconds for _, seconds in times]) for name, times in self._times.items()},
                silence=self.silence,
                fault=self._fault if now - self._fault_at < WINDOW else '')


def _forget(times: deque[tuple[float, float]], now: float) -> None:
    while times and times[0][0] < now - WINDOW:
        times.popleft()


def _figures(values: Sequence[float]) -> Figures:
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return math.nan, math.nan, math.nan, math.nan
    p50, p95, p99, most = np.percentile(finite, [50, 95, 99, 100]).tolist()
    return p50, p95, p99, most
