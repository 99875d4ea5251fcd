"""Depth images and answers find each other by stamp, in whichever order they come."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from mpn_ros.serving.depth_sync import KEPT, DepthPairing

TOLERANCE = .02


def header(seconds: float) -> SimpleNamespace:
    return SimpleNamespace(stamp=SimpleNamespace(sec=int(seconds), nanosec=round(seconds % 1 * 1e9)))


def image(seconds: float) -> SimpleNamespace:
    return SimpleNamespace(header=header(seconds))


@pytest.fixture
def pairing() -> DepthPairing[str]:
    return DepthPairing()


def test_the_nearest_depth_image_is_taken(pairing):
    images = [image(100 + .033 * number) for number in range(5)]
    for one in images:
        assert pairing.hear(one, TOLERANCE) is None
    assert pairing.find(header(100.070), 'answer', TOLERANCE) == (images[2], None)


def test_an_answer_waits_for_the_depth_image_that_comes_later(pairing):
    assert pairing.find(header(100.), 'answer', TOLERANCE) == (None, None)
    assert pairing.hear(image(99.9), TOLERANCE) is None
    assert pairing.hear(image(100.015), TOLERANCE) == 'answer'
    assert pairing.hear(image(100.016), TOLERANCE) is None, 'an answer is given once'


def test_an_answer_that_the_next_one_overtakes_is_given_back(pairing):
    pairing.find(header(100.), 'first', TOLERANCE)
    assert pairing.find(header(100.1), 'second', TOLERANCE) == (None, 'first')
    assert pairing.hear(image(100.), TOLERANCE) is None
    assert pairing.hear(image(100.1), TOLERANCE) == 'second'


def test_a_depth_image_of_another_moment_is_none(pairing):
    pairing.hear(image(100.), TOLERANCE)
    assert pairing.find(header(100.021), 'answer', TOLERANCE) == (None, None)


def test_time_may_go_back(pairing):
    """A bag that begins again."""
    pairing.hear(image(500.), TOLERANCE)
    pairing.find(header(501.), 'late', TOLERANCE)
    early = image(100.)
    assert pairing.hear(early, TOLERANCE) is None
    assert pairing.find(header(100.), 'early', TOLERANCE) == (early, 'late')


def test_no_more_than_the_newest_are_kept(pairing):
    for number in range(10 * KEPT):
        pairing.hear(image(number), TOLERANCE)
    assert len(pairing._images) == KEPT
