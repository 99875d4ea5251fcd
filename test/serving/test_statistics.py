"""Figures that add up, and that forget."""

from __future__ import annotations

import math

import pytest

from mpn_ros.serving.statistics import WINDOW, FrameStatistics


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_rates_and_percentiles_are_those_of_the_window():
    clock = Clock()
    statistics = FrameStatistics(clock)
    for n in range(100):
        clock.now += 0.1
        statistics.count_received()
        statistics.count_answered(n, {'latency': (n % 10) / 100, 'age': math.nan if n % 2 else 0.5})
    snapshot = statistics.snapshot()
    assert (snapshot.received, snapshot.answered, snapshot.people) == (100, 100, 99)
    assert snapshot.rate == pytest.approx(10, rel=0.05)
    p50, _, p99, most = snapshot.times['latency']
    assert p50 == pytest.approx(0.045, abs=0.006) and p99 == pytest.approx(0.09, abs=0.001) and most == 0.09
    assert snapshot.times['age'] == (0.5,) * 4
    clock.now += WINDOW + 1
    silent = statistics.snapshot()
    assert silent.rate == 0 and math.isnan(silent.times['latency'][0]) and silent.since_last_image == WINDOW + 1


def test_a_rate_does_not_start_low():
    clock = Clock()
    statistics = FrameStatistics(clock)
    for _ in range(10):
        clock.now += 0.1
        statistics.count_answered(1, {'latency': 0.01, 'age': 0.02})
    assert statistics.snapshot().rate == pytest.approx(10)


def test_faults_are_counted_for_ever_and_told_for_a_while():
    clock = Clock()
    statistics = FrameStatistics(clock)
    statistics.count_malformed('no image')
    statistics.count_failed('no answer')
    assert statistics.snapshot().fault == 'no answer'
    clock.now += WINDOW
    snapshot = statistics.snapshot()
    assert (snapshot.malformed, snapshot.failed, snapshot.fault) == (1, 1, '')


def test_frames_that_never_came_are_counted_for_each_sender():
    statistics = FrameStatistics()
    for sender, number in (('a', 5), ('a', 6), ('b', 1), ('a', 9), ('b', 2), ('b', 4)):
        statistics.count_received()
        statistics.track_sequence(sender, number)
    snapshot = statistics.snapshot()
    assert (snapshot.missed, snapshot.received, snapshot.under_way) == (3, 6, 6)


def test_a_sender_that_counts_from_one_again_has_missed_nothing():
    statistics = FrameStatistics()
    for number in (100, 1, 2):
        statistics.track_sequence('a', number)
    assert statistics.snapshot().missed == 0


def test_stages_are_told_apart():
    clock = Clock()
    statistics = FrameStatistics(clock)
    for seconds in (0.1, 0.2, 0.3):
        statistics.count_answered(0, {'decode': seconds, 'inference': 0.5})
    times = statistics.snapshot().times
    assert times['decode'][0] == pytest.approx(0.2) and times['inference'] == (0.5,) * 4
    assert math.isnan(times['publish'][0])
    clock.now += WINDOW + 1
    assert math.isnan(statistics.snapshot().times['decode'][0])


def test_a_reset_begins_anew():
    clock = Clock()
    statistics = FrameStatistics(clock)
    untouched = statistics.snapshot()
    statistics.count_received()
    statistics.track_sequence('a', 1)
    statistics.count_answered(2, {'latency': 0.1})
    for count in (
        statistics.count_malformed,
        statistics.count_failed,
        statistics.count_without_position,
        statistics.count_paired_by_arrival,
    ):
        count('fault')
    clock.now += 1
    assert statistics.snapshot() != untouched
    statistics.reset()
    statistics.track_sequence('a', 9)
    assert repr(statistics.snapshot()) == repr(untouched)
