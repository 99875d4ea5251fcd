"""Who is like whom."""

from __future__ import annotations

import numpy as np
import pytest

from mpn_ros.tracking.affinity import affinity

BOX = np.array([[0.0, 0.0, 100.0, 200.0]])
POSE = np.concatenate([np.random.default_rng(0).uniform((10, 10), (90, 190), (1, 17, 2)), np.ones((1, 17, 1))], -1)
UNSEEN = np.full((1, 17, 3), (np.nan, np.nan, 0.0))


def test_one_and_the_same():
    assert affinity(BOX, POSE, BOX, POSE) == pytest.approx(np.ones((1, 1)))


def test_far_away_is_nothing():
    away = POSE + (1000, 0, 0)
    assert affinity(BOX + (1000, 0, 1000, 0), away, BOX, POSE) == pytest.approx(np.zeros((1, 1)), abs=1e-6)


def test_skeletons_tell_apart_whose_boxes_are_the_same():
    mirrored = POSE.copy()
    mirrored[..., 0] = 100 - mirrored[..., 0]
    same, other = affinity(np.repeat(BOX, 2, 0), np.concatenate([POSE, mirrored]), BOX, POSE)[:, 0]
    assert same == pytest.approx(1) and 0.5 < other < 0.9


def test_without_common_keypoints_the_boxes_decide():
    half = BOX * (1, 1, 0.5, 1)
    assert affinity(half, UNSEEN, BOX, POSE) == affinity(half, POSE, BOX, UNSEEN) == pytest.approx(0.5)


def test_shapes_of_nobody():
    assert affinity(np.empty((0, 4)), np.empty((0, 17, 3)), BOX, POSE).shape == (0, 1)
    assert affinity(BOX, POSE, np.empty((0, 4)), np.empty((0, 17, 3))).shape == (1, 0)
