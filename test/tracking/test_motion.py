"""Boxes that move as they did."""

from __future__ import annotations

import numpy as np
import pytest

from mpn_ros.tracking.motion import BoxMotion

BOX = np.array([[100., 50., 160., 250.]])
STEP = np.array([12., -3., 12., -3.])


def walk(frames: int, seconds: float, noise: float = 0.) -> BoxMotion:
    random = np.random.default_rng(0)
    motion = BoxMotion.start(BOX)
    for frame in range(1, frames):
        seen = BOX + frame * STEP + random.normal(0, noise, (1, 4))
        motion = motion.predict(seconds).correct(np.array([0]), seen)
    return motion


def test_a_box_seen_once_stays_where_it_is():
    np.testing.assert_allclose(BoxMotion.start(BOX).predict(.5).boxes, BOX)


@pytest.mark.parametrize('seconds', [1 / 60, .1])
def test_a_steady_walk_is_foreseen_at_any_rate(seconds):
    motion = walk(40, seconds).predict(5 * seconds)
    np.testing.assert_allclose(motion.boxes, BOX + 44 * STEP, atol=1.5)


def test_noise_is_smoothed():
    errors = [np.abs(walk(frames, .1, noise=4.).boxes - BOX - (frames - 1) * STEP).mean() for frames in range(20, 60)]
    assert np.mean(errors) < .8 * 4 * np.sqrt(2 / np.pi), 'no better than the last sighting alone'


def test_doubt_grows_unseen_and_shrinks_seen():
    motion = walk(10, .1)
    unseen = motion.predict(.1)
    seen = unseen.correct(np.array([0]), unseen.boxes)
    assert (unseen.covariance[..., 0, 0] > motion.covariance[..., 0, 0]).all()
    assert (seen.covariance[..., 0, 0] < unseen.covariance[..., 0, 0]).all()
    assert (np.linalg.eigvalsh(seen.covariance) > 0).all()


def test_only_the_boxes_that_are_seen_change():
    both = BoxMotion.start(np.concatenate([BOX, BOX + 500])).predict(.1)
    seen = both.correct(np.array([1]), BOX + 520)
    np.testing.assert_array_equal(seen.boxes[0], both.boxes[0])
    assert 500 < (seen.boxes[1] - BOX[0])[0] <= 520


def test_a_box_that_shrinks_never_turns_inside_out():
    motion = BoxMotion.start(BOX)
    for width in (40., 20., 1.):
        motion = motion.predict(.1).correct(np.array([0]), np.array([[100., 50., 100 + width, 50 + width]]))
    boxes = motion.predict(2.).boxes
    assert (boxes[:, 2:] >= boxes[:, :2]).all()
