"""Counts of ids that change, on sequences short enough to count by hand."""

from __future__ import annotations

import numpy as np
import pytest

from mpn_ros.evaluation.tracking_metrics import count_identities
from mpn_ros.result import Person, PoseResult

A, B = np.array([0.0, 0, 10, 10]), np.array([100.0, 0, 110, 10])
MASK = np.zeros((20, 200), np.uint8)
UNSEEN = np.full((17, 3), np.nan)


def frames(*ids: tuple[int | None, int | None]) -> list[PoseResult]:
    """A result a pair: the ids at A and at B; 0 for nobody."""
    return [
        PoseResult(tuple(Person(box, 0.9, UNSEEN, id) for box, id in zip((A, B), pair) if id != 0), MASK)
        for pair in ids
    ]


@pytest.mark.parametrize(
    'ids, missed, switches, fragmentations',
    [
        ([1, 1, 1, 1], 0, 0, 0),
        ([1, 0, 0, 1], 2, 0, 1),
        ([1, 0, 2, 2], 1, 1, 1),
        ([1, 2, 1, 2], 0, 3, 0),
        ([0, 0, 1, 1], 2, 0, 0),
        ([1, 1, 0, 0], 2, 0, 0),
        ([None, 1, None, 1], 2, 0, 1),
        ([0, 0, 0, 0], 4, 0, 0),
    ],
)
def test_a_person_alone(ids, missed, switches, fragmentations):
    counts = count_identities([{'a': A}] * 4, frames(*((id, 0) for id in ids)))['a']
    assert (counts.frames, counts.missed, counts.switches, counts.fragmentations) == (
        4,
        missed,
        switches,
        fragmentations,
    )


def test_two_who_swap_their_ids_switch_both():
    counts = count_identities([{'a': A, 'b': B}] * 3, frames((1, 2), (2, 1), (2, 1)))
    assert counts['a'].switches == counts['b'].switches == 1


def test_a_better_overlap_of_another_is_no_switch():
    truth = np.array([0.0, 0, 10, 10])
    mine, other = Person(truth + (2, 0, 2, 0), 0.9, UNSEEN, 1), Person(truth, 0.9, UNSEEN, 2)
    counts = count_identities([{'a': truth}] * 2, [PoseResult((mine,), MASK), PoseResult((mine, other), MASK)])['a']
    assert (counts.switches, counts.missed) == (0, 0)


def test_who_is_not_labelled_is_not_counted():
    counts = count_identities([{'a': A}, {}, {'a': A}], frames((1, 0), (0, 0), (1, 0)))['a']
    assert (counts.frames, counts.missed, counts.fragmentations) == (2, 0, 0)
