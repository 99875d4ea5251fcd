"""Boxes that move as they did."""

from __future__ import annotations

import numpy as np
import pytest

from mpn_ros.tracking.motion import ACCELERATION, MEASUREMENT, VELOCITY, BoxMotion

BOX = np.array([[100.0, 50.0, 160.0, 250.0]])
STEP = np.array([12.0, -3.0, 12.0, -3.0])


def walk(frames: int, seconds: float, noise: float = 0.0) -> BoxMotion:
    random = np.random.default_rng(0)
    motion = BoxMotion.start(BOX)
    for frame in range(1, frames):
        seen = BOX + frame * STEP + random.normal(0, noise, (1, 4))
        motion = motion.predict(seconds).correct(np.array([0]), seen)
    return motion


def test_a_box_seen_once_stays_where_it_is():
    np.testing.assert_allclose(BoxMotion.start(BOX).predict(0.5).boxes, BOX)


@pytest.mark.parametrize('seconds', [1 / 60, 0.1])
def test_a_steady_walk_is_foreseen_at_any_rate(seconds):
    motion = walk(40, seconds).predict(5 * seconds)
    np.testing.assert_allclose(motion.boxes, BOX + 44 * STEP, atol=1.5)


def test_noise_is_smoothed():
    errors = [np.abs(walk(frames, 0.1, noise=4.0).boxes - BOX - (frames - 1) * STEP).mean() for frames in range(20, 60)]
    assert np.mean(errors) < 0.8 * 4 * np.sqrt(2 / np.pi), 'no better than the last sighting alone'


def test_doubt_grows_unseen_and_shrinks_seen():
    motion = walk(10, 0.1)
    unseen = motion.predict(0.1)
    seen = unseen.correct(np.array([0]), unseen.boxes)
    *_, variance, covariance, drift = seen.state
    assert (motion.state[2] < unseen.state[2]).all() and (variance < unseen.state[2]).all()
    assert (variance > 0).all() and (variance * drift > covariance**2).all()


def test_the_filter_is_kalmans():
    """Against its equations with matrices of value and velocity."""
    step, model = np.array([[1.0, 0.2], [0.0, 1.0]]), np.array([[1.0, 0.0]])
    noise = np.outer([0.02, 0.2], [0.02, 0.2]) * (ACCELERATION * 200) ** 2
    mean, covariance = np.array([130.0, 0.0]), np.diag([(MEASUREMENT * 200) ** 2, (VELOCITY * 200) ** 2])
    motion = BoxMotion.start(BOX)
    for x in (140.0, 155.0):
        motion = motion.predict(0.2).correct(np.array([0]), BOX + (x - 130) * np.array([1, 0, 1, 0]))
        mean, covariance = step @ mean, step @ covariance @ step.T + noise
        gain = covariance @ model.T / (model @ covariance @ model.T + (MEASUREMENT * 200) ** 2)
        mean, covariance = mean + gain @ (x - model @ mean), (np.eye(2) - gain @ model) @ covariance
        expected = *mean, covariance[0, 0], covariance[0, 1], covariance[1, 1]
        np.testing.assert_allclose(motion.state[:, 0, 0], expected)


def test_only_the_boxes_that_are_seen_change():
    both = BoxMotion.start(np.concatenate([BOX, BOX + 500])).predict(0.1)
    seen = both.correct(np.array([1]), BOX + 520)
    np.testing.assert_array_equal(seen.boxes[0], both.boxes[0])
    assert 500 < (seen.boxes[1] - BOX[0])[0] <= 520


def test_a_box_that_shrinks_never_turns_inside_out():
    motion = BoxMotion.start(BOX)
    for width in (40.0, 20.0, 1.0):
        motion = motion.predict(0.1).correct(np.array([0]), np.array([[100.0, 50.0, 100 + width, 50 + width]]))
    boxes = motion.predict(2.0).boxes
    assert (boxes[:, 2:] >= boxes[:, :2]).all()
