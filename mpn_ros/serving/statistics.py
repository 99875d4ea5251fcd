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

WINDOW = 5.0
"""Seconds over which rates, times and recent faults are told."""
TIMES = (
    'latency',
    'wait',
    'decode',
    'inference',
    'second_look',
    'tracking',
    'publish',
    'overhead',
    'stamp_to_inference',
    'age',
)
"""What is timed, as docs/interface.md describes it."""
OUTCOMES = ('answered', 'dropped', 'malformed', 'failed')
"""What can become of a frame that was received."""
COUNTS = ('received', 'missed', *OUTCOMES, 'without_position', 'paired_by_arrival', 'broken_windows')
"""What is counted, by the names of ``Snapshot``."""
PERCENTILES = 'p50', 'p95', 'p99', 'max'
"""What is told of each of them."""
Percentiles = tuple[float, float, float, float]


@dataclass(frozen=True)
class Snapshot:
    """The statistics at one moment.

    without_position: answered frames whose people got no positions, or no markers, for want of depth or calibration.
    paired_by_arrival: answered frames whose depth image was found by the time of arrival, not by the stamps.
    broken_windows: windows of the second look whose answer was not finite.
    people: persons in the last result.
    windows: windows of the second look in the last result.
    rate: results a second.
    times: for each of ``TIMES`` the ``PERCENTILES`` in seconds over the last ``WINDOW``, NaN where there are none.
    since_last_image: seconds since the last image, or since the start.
    fault: the last fault within ``WINDOW``, or an empty string.
    """

    received: int
    missed: int
    answered: int
    dropped: int
    malformed: int
    failed: int
    without_position: int
    paired_by_arrival: int
    broken_windows: int
    people: int
    windows: int
    rate: float
    times: dict[str, Percentiles]
    since_last_image: float
    fault: str

    @property
    def under_way(self) -> int:
        """Frames that were received and of which nothing is known yet."""
        return self.received - sum(getattr(self, outcome) for outcome in OUTCOMES)


class FrameStatistics:
    """Counts and times the frames of one camera. All methods may be called from any thread. ``clock`` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Begins anew, as when the camera is opened again."""
        with self._lock:
            self._counts = dict.fromkeys(COUNTS, 0)
            self._people = self._windows = 0
            self._started = self._last_image = self._clock()
            self._sequence_numbers: dict[Hashable, int] = {}
            self._times: dict[str, deque[tuple[float, float]]] = {name: deque() for name in TIMES}
            self._fault, self._fault_at = '', -math.inf

    def count_received(self) -> None:
        """A frame has come."""
        with self._lock:
            self._counts['received'] += 1
            self._last_image = self._clock()

    def track_sequence(self, sender: Hashable, number: int) -> None:
        """The frame that has come is the ``number``-th that ``sender`` sent: those between it and the one before were
        missed. What a sender sent before it was first heard is not."""
        with self._lock:
            self._counts['missed'] += max(0, number - self._sequence_numbers.get(sender, number) - 1)
            self._sequence_numbers[sender] = number

    def count_dropped(self) -> None:
        """A newer frame, or the end, has overtaken one that waited."""
        with self._lock:
            self._counts['dropped'] += 1

    def count_answered(self, people: int, seconds: Mapping[str, float]) -> None:
        """A frame has been answered with ``people`` persons; ``seconds`` has what is known of ``TIMES``, or NaN."""
        with self._lock:
            self._counts['answered'] += 1
            self._people = people
            now = self._clock()
            for name, value in seconds.items():
                self._times[name].append((now, value))
                _forget(self._times[name], now)

    def count_windows(self, seen: int, broken: int) -> None:
        """The second look at a frame has seen so many windows, and had no finite answer in so many more."""
        with self._lock:
            self._windows = seen
            self._counts['broken_windows'] += broken

    def count_malformed(self, reason: str) -> None:
        """A frame was no image."""
        with self._lock:
            self._counts['malformed'] += 1
            self._fault, self._fault_at = reason, self._clock()

    def count_failed(self, reason: str) -> None:
        """A frame could not be answered."""
        with self._lock:
            self._counts['failed'] += 1
            self._fault, self._fault_at = reason, self._clock()

    def count_without_position(self, reason: str) -> None:
        """The people of an answered frame get no positions in metres."""
        with self._lock:
            self._counts['without_position'] += 1
            self._fault, self._fault_at = reason, self._clock()

    def count_paired_by_arrival(self, reason: str) -> None:
        """The depth image of an answered frame was found by the time of its arrival."""
        with self._lock:
            self._counts['paired_by_arrival'] += 1
            self._fault, self._fault_at = reason, self._clock()

    @property
    def since_last_image(self) -> float:
        """Seconds since the last image, or since the start."""
        return self._clock() - self._last_image

    def snapshot(self) -> Snapshot:
        """The statistics now."""
        with self._lock:
            now = self._clock()
            for times in self._times.values():
                _forget(times, now)
            return Snapshot(
                **self._counts,
                people=self._people,
                windows=self._windows,
                rate=len(self._times['latency']) / max(min(now - self._started, WINDOW), 1e-3),
                times={name: _percentiles([seconds for _, seconds in times]) for name, times in self._times.items()},
                since_last_image=self.since_last_image,
                fault=self._fault if now - self._fault_at < WINDOW else '',
            )


def _forget(times: deque[tuple[float, float]], now: float) -> None:
    while times and times[0][0] < now - WINDOW:
        times.popleft()


def _percentiles(values: Sequence[float]) -> Percentiles:
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return math.nan, math.nan, math.nan, math.nan
    p50, p95, p99, most = np.percentile(finite, [50, 95, 99, 100]).tolist()
    return p50, p95, p99, most
