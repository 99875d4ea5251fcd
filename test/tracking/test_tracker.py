"""Ids on sequences whose true ids are known: people who cross, leave, hide and are badly detected."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from mpn_ros.errors import ParameterError
from mpn_ros.evaluation.tracking_metrics import count_identities
from mpn_ros.result import Person, PoseResult
from mpn_ros.skeleton import make_layout
from mpn_ros.tracking.tracker import Tracker

SIZE = 720, 1280
TEMPLATE = np.array(
    [
        (0.50, 0.06),
        (0.53, 0.04),
        (0.47, 0.04),
        (0.57, 0.05),
        (0.43, 0.05),
        (0.68, 0.20),
        (0.32, 0.20),
        (0.76, 0.36),
        (0.24, 0.36),
        (0.80, 0.50),
        (0.20, 0.50),
        (0.62, 0.52),
        (0.38, 0.52),
        (0.63, 0.74),
        (0.37, 0.74),
        (0.64, 0.95),
        (0.36, 0.95),
    ]
)
"""A standing person: keypoints as fractions of the box."""


def stick(x: float, height: float = 400.0, sway: float = 0.0, score: float = 0.9) -> Person:
    """Somebody whose middle is at ``x`` pixels, arms and legs moved by ``sway`` of the width."""
    width = 0.4 * height
    box = np.array([x - width / 2, 600 - height, x + width / 2, 600], np.float32)
    points = TEMPLATE.copy()
    points[7:11, 0] += sway
    points[13:17, 0] -= sway
    keypoints = np.column_stack([box[:2] + points * (width, height), np.full(17, 0.8)]).astype(np.float32)
    return Person(box, score, keypoints)


def seen(person: Person, random: np.random.Generator, noise: float) -> Person:
    """The person as a detector reports it: everything moved by ``noise`` of the width, a fifth of the keypoints
    missed."""
    width = person.box[2] - person.box[0]
    keypoints = person.keypoints.copy()
    keypoints[:, :2] += random.normal(0, noise * width, (17, 2))
    keypoints[random.random(17) < 0.2] = np.nan, np.nan, 0
    box = person.box + random.normal(0, noise * width, 4).astype(np.float32)
    return Person(box.astype(np.float32), float(np.clip(person.score + random.normal(0, 0.05), 0, 1)), keypoints)


def result(*people: Person, size: tuple[int, int] = SIZE) -> PoseResult:
    return PoseResult(people, np.zeros(size, np.uint8))


def play(
    people: Callable[[float], dict[str, tuple[Person, bool]]],
    rate: float,
    seconds: float,
    noise: float = 0.05,
    seed: int = 0,
    missed: float = 0.05,
    tracker: Tracker | None = None,
):
    """Counts for each name of ``people(time)``, which gives the true person and whether it can be seen."""
    random, tracker = np.random.default_rng(seed), tracker or Tracker()
    labels, answers = [], []
    for frame in range(int(seconds * rate)):
        truth = people(frame / rate)
        labels.append({name: person.box for name, (person, _) in truth.items()})
        detected = [
            seen(person, random, noise) for person, visible in truth.values() if visible and random.random() >= missed
        ]
        random.shuffle(detected)
        answers.append(tracker.update(result(*detected), frame / rate))
    return count_identities(labels, answers)


@pytest.mark.parametrize('rate', [10, 30])
@pytest.mark.parametrize('seed', range(5))
def test_people_who_pass_each_other_keep_their_ids(rate, seed):
    def crossing(t: float):
        left, right = stick(200 + 250 * t, 400, 0.1 * np.sin(6 * t)), stick(1000 - 250 * t, 380, 0.1 * np.cos(6 * t))
        return {'left': (left, True), 'right': (right, abs(left.box[0] - right.box[0]) > 40)}

    for counts in play(crossing, rate, 3.0, seed=seed).values():
        assert counts.switches == 0 and counts.missed < 0.25 * counts.frames


@pytest.mark.parametrize('seed', range(5))
def test_people_who_meet_and_turn_back_are_told_apart_by_their_skeletons(seed):
    def meeting(t: float):
        distance = 10 + 200 * (t - 1.5) ** 2  # the boxes alone would change places
        return {'waves': (stick(600 - distance / 2, 400, 0.4), True), 'stands': (stick(600 + distance / 2, 400), True)}

    assert sum(counts.switches for counts in play(meeting, 10, 3.0, seed=seed).values()) == 0


@pytest.mark.parametrize('seed', range(5))
def test_who_is_hidden_for_less_than_the_timeout_comes_back_as_the_same(seed):
    def pillar(t: float):
        return {'walker': (stick(300 + 150 * t), not 1.5 < t < 2.2), 'stander': (stick(1000), True)}

    counts = play(pillar, 15, 4.0, seed=seed)
    assert counts['walker'].switches == counts['stander'].switches == 0
    assert counts['walker'].fragmentations and counts['walker'].missed >= 10, 'was to be hidden'


def test_a_crowd_that_walks_in_step():
    def crowd(t: float):
        return {f'{n}': (stick(150 + 110 * n + 60 * t, 260 + 10 * n, 0.1 * np.sin(5 * t + n)), True) for n in range(8)}

    assert sum(counts.switches for counts in play(crowd, 15, 4.0).values()) == 0


def test_ids_are_never_given_twice():
    tracker, given = Tracker(timeout=0.5), []
    for round_ in range(4):
        for frame in range(5):
            (person,) = tracker.update(result(stick(300 + 5 * frame)), 10.0 * round_ + 0.1 * frame).people
        given.append(person.id)
    assert given == sorted(set(given)) and len(given) == 4


@pytest.mark.parametrize(
    'size, seconds', [(SIZE, 4.0), ((480, 640), 5.1)], ids=['time goes back by a second', 'another size']
)
def test_a_new_beginning_forgets_people_and_counts_on(size, seconds):
    tracker = Tracker(timeout=60.0)
    (before,) = tracker.update(result(stick(300)), 5.0).people
    (after,) = tracker.update(result(stick(300), size=size), seconds).people
    assert after.id > before.id
    (again,) = tracker.update(result(stick(300), size=size), seconds + 0.1).people
    assert again.id == after.id


@pytest.mark.parametrize('late', [0.001, 0.033, 0.5, 0.99])
def test_an_image_that_is_a_little_older_is_answered_and_renumbers_nobody(late):
    tracker = Tracker(timeout=60.0)
    ids = [
        tracker.update(result(stick(300 + 20 * seconds), stick(900)), seconds).people
        for seconds in (5.0, 5.1, 5.2, 5.2 - late, 5.3)
    ]
    assert [[person.id for person in people] for people in ids] == [[1, 2]] * 5


def test_who_is_new_in_an_older_image_keeps_the_id():
    tracker = Tracker()
    for seconds in (0.0, 0.1):
        tracker.update(result(stick(300)), seconds)
    assert [person.id for person in tracker.update(result(stick(300), stick(900)), 0.05).people] == [1, 2]
    assert [person.id for person in tracker.update(result(stick(300), stick(900)), 0.2).people] == [1, 2]


def test_an_older_image_moves_nobody_back():
    """Somebody who walks fast is expected where the newest image says."""
    straight, swapped = Tracker(), Tracker()
    walk = [result(stick(100 + 60 * n)) for n in range(12)]
    for n in range(12):
        straight.update(walk[n], n / 10)
    for n in (0, 1, 2, 3, 4, 5, 7, 6, 8, 9, 10, 11):
        swapped.update(walk[n], n / 10)
    np.testing.assert_allclose(swapped._motion.boxes, straight._motion.boxes, atol=5)
    assert swapped._now == 1.1


def recorded(minutes: float, rate: int) -> list[PoseResult]:
    """Four people who walk to and fro and pass each other, as a detector finds them."""
    random, results = np.random.default_rng(0), []
    for frame in range(int(minutes * 60 * rate)):
        seconds = frame / rate
        people = [
            stick(640 + 500 * np.sin(seconds / (3 + n) + n), 300 + 40 * n, 0.1 * np.sin(6 * seconds + n))
            for n in range(4)
        ]
        results.append(result(*(seen(person, random, 0.02) for person in people if random.random() > 0.02)))
    return results


def test_ten_minutes_with_swapped_neighbours_have_the_ids_of_the_unswapped():
    rate = 10
    results, random = recorded(10, rate), np.random.default_rng(1)
    order = list(range(len(results)))
    for n in np.flatnonzero(random.random(len(results) // 2) < 0.02) * 2:  # 1 % of all neighbours
        order[n], order[n + 1] = order[n + 1], order[n]
    assert sum(a > b for a, b in pairwise(order)) > 50

    def ids(order: list[int]) -> list[list[int | None]]:
        tracker = Tracker()
        given = {n: [person.id for person in tracker.update(results[n], n / rate).people] for n in order}
        return [given[n] for n in range(len(results))]

    assert ids(order) == ids(sorted(order))


def test_the_same_time_again_is_no_new_beginning():
    tracker = Tracker()
    assert len({tracker.update(result(stick(300)), 5.0).people[0].id for _ in range(3)}) == 1


def test_unsure_sightings_keep_an_id_and_begin_none():
    tracker = Tracker(new_track_threshold=0.6)
    (ghost,) = tracker.update(result(stick(300, score=0.5)), 0.0).people
    (known,) = tracker.update(result(stick(300, score=0.7)), 0.1).people
    faint, other = tracker.update(result(stick(305, score=0.5), stick(900, score=0.5)), 0.2).people
    assert ghost.id is None and known.id is not None
    assert faint.id == known.id and other.id is None


def test_a_sure_stranger_takes_no_id_from_an_unsure_friend():
    tracker = Tracker(new_track_threshold=0.6)
    (friend,) = tracker.update(result(stick(300)), 0.0).people
    stranger, faint = tracker.update(result(stick(600), stick(300, score=0.5)), 0.1).people
    assert faint.id == friend.id and stranger.id not in (None, friend.id)


def test_nothing_but_ids_changes():
    people = stick(300), stick(900, score=0.3)
    before = result(*people)
    after = Tracker().update(before, 0.0)
    assert after.mask is before.mask
    for a, b in zip(after.people, people, strict=True):
        assert a.box is b.box and a.keypoints is b.keypoints and a.score == b.score


def test_people_of_another_layout_are_followed():
    tracker = Tracker(layout=make_layout(['head', 'foot'], [(0, 1)]))
    person = stick(300)
    ids = [tracker.update(result(Person(person.box, 0.9, person.keypoints[:2])), t).people[0].id for t in (0.0, 0.1)]
    assert ids == [1, 1]


def test_settings_change_while_it_follows():
    tracker = Tracker(new_track_threshold=0.9)
    assert tracker.update(result(stick(300, score=0.8)), 0.0).people[0].id is None
    tracker.new_track_threshold = 0.5
    assert tracker.update(result(stick(300, score=0.8)), 0.1).people[0].id == 1


@pytest.mark.parametrize('wrong', [{'timeout': -1.0}, {'timeout': float('nan')}, {'new_track_threshold': 1.5}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        Tracker(**wrong)


def calls_of_an_update(people: int) -> int:
    """How often Python calls a function while people are followed from one image to the next: time on a busy machine
    says nothing, and what costs it here is the interpreter."""
    tracker, random = Tracker(), np.random.default_rng(0)
    crowd = [stick(60 * n, 200) for n in range(people)]
    first, second = (result(*(seen(person, random, 0.03) for person in crowd)) for _ in range(2))
    tracker.update(first, 0.0)
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ('call', 'c_call')

    sys.setprofile(count)
    try:
        tracker.update(second, 1 / 30)
    finally:
        sys.setprofile(None)
    return calls


def test_work_grows_with_people_and_not_with_pairs_of_them():
    alone, ten, twenty = (calls_of_an_update(people) for people in (1, 10, 20))
    assert twenty - ten < 1.3 * (ten - alone) + 20, 'pairs of people are for numpy'
    assert twenty < 2000


def test_people_are_expected_where_they_go_until_they_are_forgotten():
    tracker = Tracker(timeout=1.0)
    assert tracker.expected(0.0).shape == (0, 4)
    for step in range(10):
        box = np.array([10 + 10 * step, 20, 50 + 10 * step, 120], np.float32)
        tracker.update(
            PoseResult((Person(box, 0.9, np.full((17, 3), np.nan, np.float32)),), None, (640, 480)), step / 10
        )
    [box] = tracker.expected(1.0)
    np.testing.assert_allclose(box, [110, 20, 150, 120], atol=3)
    assert len(tracker.expected(5.0)) == 0 and len(tracker.expected(0.1)) == 0
    np.testing.assert_allclose(tracker.expected(1.0), [box], err_msg='asking changes nothing')
