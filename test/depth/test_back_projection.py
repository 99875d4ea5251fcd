"""Keypoints that are known in metres, seen by a synthetic depth camera."""

from __future__ import annotations

import numpy as np
import pytest

from mpn_ros.camera_model import CameraModel
from mpn_ros.depth.back_projection import TORSO, back_project
from mpn_ros.errors import ImageError
from mpn_ros.skeleton import COCO


def metres(depth: np.ndarray) -> np.ndarray:
    return depth


def millimetres(depth: np.ndarray) -> np.ndarray:
    return (depth * 1000).round().astype(np.uint16)


@pytest.mark.parametrize('encode', [metres, millimetres])
@pytest.mark.parametrize('scale', [1, 0.5])
@pytest.mark.parametrize('x', [-0.4, 0, 0.4])
def test_keypoints_are_right_to_two_centimetres_at_three_metres(standing, encode, scale, x):
    scene = standing(x)
    lifted = back_project(scene.pixels, encode(scene.depth(scale)), scene.camera)
    assert lifted.valid.all()
    assert np.linalg.norm(lifted.points - scene.surface, axis=-1).max() < 0.02


@pytest.mark.parametrize('wall', [3.8, 4.5, 8])
def test_no_keypoint_is_taken_from_beyond_an_edge(standing, wall):
    """With keypoints that miss their place by some pixels, many of them beside the body, holes and noise."""
    scene = standing(wall=wall)
    random = np.random.default_rng(0)
    clean = scene.depth(0.5)
    beyond = valid = 0
    for _ in range(30):
        depth = clean * random.normal(1, 0.007, clean.shape).astype(np.float32)
        depth[random.random(depth.shape) < 0.2] = 0
        lifted = back_project(scene.pixels + random.normal(0, 5, scene.pixels.shape), depth, scene.camera)
        off = np.abs(lifted.points[..., 2] - scene.keypoints[..., 2])
        beyond += (off[lifted.valid] > 0.25).sum()
        valid += lifted.valid.mean()
    assert beyond == 0
    assert valid / 30 > 0.9


def test_what_hides_a_person_is_not_the_person(standing):
    scene = standing()
    depth = scene.depth()
    depth[300:] = 1.5  # a table's edge before the legs
    lifted = back_project(scene.pixels, depth, scene.camera)
    hidden = scene.pixels[0, :, 1] > 304
    assert 0 < hidden.sum() < 6
    assert np.array_equal(lifted.valid[0], ~hidden)


def test_people_do_not_mix(standing):
    """Two people, one behind the other and half hidden."""
    near, far = standing(-0.2, 2.5), standing(0.3, 3.8)
    both = near.__class__(np.concatenate([near.keypoints, far.keypoints]), 6.0)
    lifted = back_project(both.pixels, both.depth(), both.camera)
    off = np.abs(lifted.points[..., 2] - both.keypoints[..., 2])
    assert lifted.valid[0].all() and np.nanmax(off[0]) < 0.2
    assert lifted.valid[1].sum() > 9 and np.nanmax(off[1]) < 0.2


def test_a_keypoint_that_is_not_seen_or_not_measured_has_no_position(standing):
    scene = standing()
    depth, pixels = scene.depth(), scene.pixels
    pixels[0, COCO.names.index('left_wrist')] = np.nan
    x, y = scene.pixels[0, COCO.names.index('right_knee')].round().astype(int)
    depth[y - 12 : y + 13, x - 12 : x + 13] = 0
    lifted = back_project(pixels, depth, scene.camera)
    assert {name for name, valid in zip(COCO.names, lifted.valid[0]) if not valid} == {'left_wrist', 'right_knee'}
    assert np.isnan(lifted.points[~lifted.valid]).all() and np.isnan(lifted.spread[~lifted.valid]).all()
    assert (lifted.spread[lifted.valid] < 0.05).all()


def test_keypoints_anywhere_read_nothing_outside_of_the_image():
    camera = CameraModel(np.array([[600.0, 0, 320], [0, 600, 240], [0, 0, 1]]), np.zeros(0), 640, 480)
    keypoints = np.random.default_rng(0).uniform(-1e4, 1e4, (50, 17, 3))
    keypoints[::7] = np.nan
    back_project(keypoints, np.full((31, 42), 3, np.float32), camera)
    assert back_project(np.empty((0, 17, 3)), np.full((31, 42), 3, np.float32), camera).points.shape == (0, 17, 3)


def test_the_lens_is_taken_into_account(standing):
    """Keypoints moved by a distortion come back to where they are."""
    import cv2

    scene = standing()
    distortion = np.array([-0.2, 0.05, 0.001, -0.001, 0])
    pixels = cv2.projectPoints(scene.surface[0], np.zeros(3), np.zeros(3), scene.camera.matrix, distortion)[0][:, 0]
    lens = CameraModel(scene.camera.matrix, distortion, 640, 480)
    wall = np.full((480, 640), 3, np.float32)
    lifted = back_project(pixels[None], wall, lens)
    flat = scene.surface[0] * (3 / scene.surface[0, :, 2:])
    assert np.allclose(lifted.points[0], flat, atol=0.003)


def test_a_depth_image_of_another_view_is_refused(standing):
    with pytest.raises(ImageError, match='640x576.*640x480'):
        back_project(standing().pixels, np.ones((576, 640), np.float32), standing().camera)


def test_a_person_is_where_the_trunk_is(standing):
    scene = standing()
    lifted = back_project(scene.pixels, scene.depth(), scene.camera)
    torso = lifted.torso()
    assert np.allclose(torso.points[0, 0], scene.surface[0, TORSO].mean(0), atol=0.02)
    lifted.points[:, TORSO] = np.nan
    assert np.allclose(lifted.torso().points[0, 0], np.nanmean(lifted.points[0], 0))
    lifted.points[:] = np.nan
    assert not lifted.torso().valid.any()
