"""Depth images and answers find each other by stamp, in whichever order they come."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from mpn_ros.serving.depth_sync import KEPT, DepthSynchronizer

TOLERANCE = .02


def header(seconds: float) -> SimpleNamespace:
    return SimpleNamespace(stamp=SimpleNamespace(sec=int(seconds), nanosec=round(seconds % 1 * 1e9)))


def image(seconds: float) -> SimpleNamespace:
    return SimpleNamespace(header=header(seconds))


@pytest.fixture
def synchronizer() -> DepthSynchronizer[str]:
    return DepthSynchronizer()


def test_the_nearest_depth_image_is_taken(synchronizer):
    images = [image(100 + .033 * number) for number in range(5)]
    for one in images:
        assert synchronizer.add_depth(one) is None
    assert synchronizer.add_result(header(100.070), 'answer', TOLERANCE) == (images[2], None)


def test_an_answer_waits_for_the_depth_image_that_comes_later(synchronizer):
    assert synchronizer.add_result(header(100.), 'answer', TOLERANCE) == (None, None)
    assert synchronizer.add_depth(image(99.9)) is None
    assert synchronizer.add_depth(image(100.015)) == 'answer'
    assert synchronizer.add_depth(image(100.016)) is None, 'an answer is given once'


def test_an_answer_that_the_next_one_overtakes_is_given_back(synchronizer):
    synchronizer.add_result(header(100.), 'first', TOLERANCE)
    assert synchronizer.add_result(header(100.1), 'second', TOLERANCE) == (None, 'first')
    assert synchronizer.add_depth(image(100.)) is None
    assert synchronizer.add_depth(image(100.1)) == 'second'


def test_a_depth_image_of_another_moment_is_none(synchronizer):
    synchronizer.add_depth(image(100.))
    assert synchronizer.add_result(header(100.021), 'answer', TOLERANCE) == (None, None)


def test_time_may_go_back(synchronizer):
    """A bag that begins again."""
    synchronizer.add_depth(image(500.))
    synchronizer.add_result(header(501.), 'late', TOLERANCE)
    early = image(100.)
    assert synchronizer.add_depth(early) is None
    assert synchronizer.add_result(header(100.), 'early', TOLERANCE) == (early, 'late')


def test_no_more_than_the_newest_are_kept(synchronizer):
    for number in range(10 * KEPT):
        synchronizer.add_depth(image(number))
    assert len(synchronizer._depth) == KEPT
