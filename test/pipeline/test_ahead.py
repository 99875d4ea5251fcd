"""Results come in order, whatever takes longer, and no item is taken long before it is needed."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from mpn_ros.pipeline.ahead import run_ahead


def test_results_are_in_order_whatever_ends_first() -> None:
    first = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            assert first.wait(60)  # the second item ends before the first
        else:
            first.set()
        return number * number

    assert [(item, result()) for item, result in run_ahead(work, range(6), 2)] == [(n, n * n) for n in range(6)]


def test_items_are_taken_only_as_far_ahead_as_there_are_threads() -> None:
    taken = []

    def items() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    results = run_ahead(str, items(), 2)
    next(results)
    assert len(taken) <= 3
    results.close()
    assert len(taken) <= 3


@pytest.mark.parametrize('streams', [1, 2])
def test_a_failure_costs_its_own_item_alone(streams: int) -> None:
    found = []
    for item, result in run_ahead(lambda number: 6 // number, [3, 0, 2], streams):
        try:
            found.append(result())
        except ZeroDivisionError:
            found.append(item)
    assert found == [2, 0, 3]


def test_one_at_a_time_stays_in_the_thread_that_asks() -> None:
    threads = {result() for _, result in run_ahead(lambda _: threading.get_ident(), range(3), 1)}
    assert threads == {threading.get_ident()}
