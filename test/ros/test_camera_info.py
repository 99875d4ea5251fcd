"""A camera's calibration as it comes over the middleware."""

from __future__ import annotations

import pytest

pytest.importorskip('rclpy', reason='ROS 2 is not installed here')

from sensor_msgs.msg import CameraInfo, RegionOfInterest  # noqa: E402

from mpn_ros.errors import CalibrationError  # noqa: E402
from mpn_ros.ros.camera_info import camera_model, info_topic  # noqa: E402

pytestmark = pytest.mark.ros


def info(**fields) -> CameraInfo:
    return CameraInfo(
        **{
            'width': 640,
            'height': 480,
            'distortion_model': 'plumb_bob',
            'd': [-0.2, 0.05, 0.0, 0.0, 0.0],
            'k': [500.0, 0.0, 320.0, 0.0, 500.0, 240.0, 0.0, 0.0, 1.0],
            'p': [450.0, 0.0, 300.0, 0.0, 0.0, 460.0, 230.0, 0.0, 0.0, 0.0, 1.0, 0.0],
            **fields,
        }
    )


@pytest.mark.parametrize(
    'image, expected', [('/image_raw', '/camera_info'), ('/left/color/image_raw', '/left/color/camera_info')]
)
def test_it_lies_beside_the_image(image, expected):
    assert info_topic(image) == expected


def test_raw_images_go_by_k_and_d_rectified_ones_by_p():
    raw = camera_model(info(), '/camera/image_raw', 640, 480)
    assert raw.matrix[0, 0] == 500 and raw.distortion.tolist() == [-0.2, 0.05, 0, 0, 0] and not raw.fisheye
    rectified = camera_model(info(), '/camera/image_rect_color', 640, 480)
    assert rectified.matrix.tolist() == [[450, 0, 300], [0, 460, 230], [0, 0, 1]] and not rectified.distortion.size


def test_a_fisheye_lens_and_a_binned_image():
    model = camera_model(info(distortion_model='equidistant', d=[0.01, 0.0, 0.0, 0.0]), '/image_raw', 320, 240)
    assert model.fisheye and (model.width, model.height) == (320, 240) and model.matrix[0, 0] == 250


@pytest.mark.parametrize(
    'fields, size, says',
    [
        ({'k': [0.0] * 9}, (640, 480), 'not calibrated'),
        ({}, (640, 360), '640x360'),
        ({'distortion_model': 'thin_prism'}, (640, 480), 'thin_prism'),
        ({'d': [float('nan')] * 5}, (640, 480), 'finite'),
        ({'roi': RegionOfInterest(x_offset=8, width=320, height=240)}, (320, 240), 'roi'),
    ],
)
def test_what_positions_cannot_be_computed_with_is_refused_in_a_sentence(fields, size, says):
    with pytest.raises(CalibrationError, match=says):
        camera_model(info(**fields), '/image_raw', *size)
