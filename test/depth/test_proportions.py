"""Distances without a depth camera."""

from __future__ import annotations

import numpy as np
import pytest

from mpn_ros.depth.proportions import ERROR, estimate_from_height
from mpn_ros.skeleton import COCO

HEIGHT = 1.7


@pytest.mark.parametrize('z', [2.0, 3.0, 6.0])
def test_a_standing_person_of_that_height_is_within_the_stated_error(standing, z):
    scene = standing(z=z)
    estimated = estimate_from_height(scene.pixels, scene.camera, HEIGHT)
    assert estimated.points[0, :, 2] == pytest.approx(z, rel=ERROR)
    assert estimated.spread[0] == pytest.approx(ERROR * estimated.points[0, :, 2])
    assert np.abs(estimated.torso().points - scene.keypoints[:, [5, 6, 11, 12]].mean(1)).max() < ERROR * z


def test_distance_goes_with_the_height(standing):
    scene = standing()
    child, adult = (estimate_from_height(scene.pixels, scene.camera, height).points[0, 0, 2] for height in (0.85, 1.7))
    assert adult == pytest.approx(2 * child)


def test_a_person_seen_from_the_side_is_not_put_far_away(standing):
    """The shoulders are then one behind the other."""
    scene = standing()
    middle = scene.keypoints.mean(1, keepdims=True)
    turned = scene.keypoints - middle
    turned = np.stack([turned[..., 2], turned[..., 1], -turned[..., 0]], axis=-1) + middle
    side = scene.__class__(turned, scene.wall)
    assert estimate_from_height(side.pixels, side.camera, HEIGHT).points[0, 0, 2] == pytest.approx(3, rel=ERROR)


def test_without_a_whole_segment_there_is_no_distance(standing):
    scene = standing()
    keypoints = np.full_like(scene.pixels, np.nan)
    keypoints[0, COCO.names.index('nose')] = scene.pixels[0, COCO.names.index('nose')]
    keypoints[0, 5] = keypoints[0, 6] = 300, 200  # two keypoints on one pixel
    assert not estimate_from_height(keypoints, scene.camera, HEIGHT).valid.any()


def test_keypoints_that_are_not_seen_have_no_position(standing):
    scene = standing()
    keypoints = scene.pixels
    keypoints[0, 9] = np.nan
    assert np.flatnonzero(~estimate_from_height(keypoints, scene.camera, HEIGHT).valid[0]).tolist() == [9]
