"""Rays that lead back to their pixels."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mpn_ros.camera_model import CameraModel
from mpn_ros.errors import CalibrationError

MATRIX = np.array([[500.0, 0, 310], [0, 510, 245], [0, 0, 1]])
PLUMB_BOB = np.array([-0.28, 0.09, 0.001, -0.002, -0.01])
FISHEYE = np.array([0.03, -0.01, 0.004, -0.001])
PIXELS = np.stack(np.meshgrid(np.linspace(0, 639, 9), np.linspace(0, 479, 7)), axis=-1)


def model(distortion: np.ndarray, **rest) -> CameraModel:
    return CameraModel(MATRIX, distortion, 640, 480, **rest)


@pytest.mark.parametrize(
    'camera', [model(np.empty(0)), model(PLUMB_BOB), model(FISHEYE, fisheye=True)], ids=['none', 'plumb_bob', 'fisheye']
)
@pytest.mark.parametrize('depth', [0.5, 3.0])
def test_a_point_on_a_ray_projects_to_its_pixel(camera, depth):
    points = (camera.rays(PIXELS) * depth).reshape(-1, 1, 3)
    project = cv2.fisheye.projectPoints if camera.fisheye else cv2.projectPoints
    distortion = camera.distortion if camera.distortion.size else None
    back, _ = project(points, np.zeros(3), np.zeros(3), camera.matrix, distortion)
    assert (points[..., 2] == depth).all()
    np.testing.assert_allclose(back.reshape(PIXELS.shape), PIXELS, atol=0.3)


def test_the_optical_frame_is_x_right_y_down_z_forward():
    (right_below,) = model(np.empty(0)).rays(np.array([[410.0, 347.0]]))
    assert right_below == pytest.approx([0.2, 0.2, 1])


@pytest.mark.parametrize('distortion', [np.empty(0), PLUMB_BOB])
def test_what_is_not_seen_has_no_ray(distortion):
    rays = model(distortion).rays(np.array([[[np.nan, np.nan], [310, 245]]]))
    assert np.isnan(rays[0, 0, :2]).all() and rays[0, 1] == pytest.approx([0, 0, 1], abs=1e-6)
    assert model(distortion).rays(np.empty((0, 17, 2))).shape == (0, 17, 3)


def test_a_binned_image_keeps_the_rays_of_its_edges():
    full, half = model(np.empty(0)), model(np.empty(0)).resized(320, 240)
    np.testing.assert_allclose(
        half.rays(np.array([[-0.5, -0.5], [319.5, 239.5]])),
        full.rays(np.array([[-0.5, -0.5], [639.5, 479.5]])),
        atol=1e-12,
    )
    assert full.resized(640, 480) is full


@pytest.mark.parametrize(
    'wrong',
    [
        lambda: CameraModel(np.zeros((3, 3)), np.empty(0), 640, 480),
        lambda: model(np.zeros(3)),
        lambda: model(PLUMB_BOB, fisheye=True),
        lambda: model(np.full(5, np.nan)),
        lambda: model(PLUMB_BOB).resized(640, 640),
        lambda: CameraModel(MATRIX, np.empty(0), 0, 0).resized(640, 480),
    ],
)
def test_what_is_no_calibration_is_refused(wrong):
    with pytest.raises(CalibrationError):
        wrong()
