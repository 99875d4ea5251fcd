"""A video in the place of a camera."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
pytest.importorskip('vision_msgs', reason='vision_msgs is not installed here')
pytest.importorskip('mpn_ros.msg', reason='the messages of mpn_ros are not built here')

from rclpy.parameter import Parameter  # noqa: E402
from sensor_msgs.msg import CameraInfo, Image  # noqa: E402

from mpn_ros.media import VideoWriter  # noqa: E402
from mpn_ros.ros.camera_info import camera_model  # noqa: E402
from mpn_ros.testing.clip_player import ClipPlayer  # noqa: E402

pytestmark = pytest.mark.ros

ROOT = Path(__file__).resolve().parents[2]
FRAMES = 10


@pytest.fixture
def clip(tmp_path) -> Path:
    """Frames of 64 x 48 that grow brighter."""
    path = tmp_path / 'clip.mp4'
    with VideoWriter(path, 25.0, 64, 48) as video:
        for number in range(FRAMES):
            video.write(np.full((48, 64, 3), 20 * number, np.uint8))
    return path


PLAYER = 'import sys; from mpn_ros.testing.clip_player import main; sys.exit(main())'


def player(domain: int, *parameters: str, program: str = PLAYER) -> subprocess.Popen:
    environment = {key: value for key, value in os.environ.items() if key != '_ROS_WHEELS_BOOTSTRAP_COMPLETE'}
    arguments = [argument for parameter in parameters for argument in ('-p', parameter)]
    return subprocess.Popen(
        [sys.executable, '-c', program, '--ros-args', *arguments],
        env={**environment, 'ROS_DOMAIN_ID': str(domain)},
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_clip_is_played_as_a_camera_would_send_it(robot, ros_domain, clip, until):
    images, infos = [], []
    robot.tester.create_subscription(Image, '/image_raw', images.append, 10)
    robot.tester.create_subscription(CameraInfo, '/camera_info', infos.append, 100)
    process = player(ros_domain, f'clip:={clip}', 'rate:=20.0', 'loop:=true')
    try:
        until(lambda: len(images) > FRAMES and {str(info.header) for info in infos} & {str(i.header) for i in images})
    finally:
        process.terminate()
    assert process.wait(60) == 0
    times = np.array([image.header.stamp.sec + image.header.stamp.nanosec / 1e9 for image in images])
    assert (np.diff(times) > 0).all()
    grey = np.array([np.mean(image.data) for image in images])
    assert (images[0].width, images[0].height, images[0].encoding) == (64, 48, 'bgr8')
    assert grey.max() - grey.min() > 150
    assert images[0].header.frame_id == 'camera_optical_frame'
    model = camera_model(infos[0], '/image_raw', 64, 48)
    assert model.rays(np.array([[31.5, 23.5]])).tolist() == [[0, 0, 1]], 'it looks through the middle'


CALIBRATION = """image_width: 128
image_height: 96
camera_name: webcam
distortion_model: plumb_bob
camera_matrix: {rows: 3, cols: 3, data: [100, 0, 64, 0, 101, 48, 0, 0, 1]}
distortion_coefficients: {rows: 1, cols: 5, data: [0.1, -0.2, 0, 0, 0]}
rectification_matrix: {rows: 3, cols: 3, data: [1, 0, 0, 0, 1, 0, 0, 0, 1]}
projection_matrix: {rows: 3, cols: 4, data: [90, 0, 64, 0, 0, 91, 48, 0, 0, 0, 1, 0]}
"""


def test_the_lens_may_come_from_a_calibration_file(robot, ros_domain, clip, until, tmp_path):
    (tmp_path / 'webcam.yaml').write_text(CALIBRATION)
    infos = []
    robot.tester.create_subscription(Image, '/image_raw', lambda image: None, 10)
    robot.tester.create_subscription(CameraInfo, '/camera_info', infos.append, 10)
    process = player(
        ros_domain, f'clip:={clip}', f'camera_info:={tmp_path}/webcam.yaml', 'frame_id:=webcam', 'loop:=true'
    )
    try:
        until(lambda: infos)
    finally:
        process.terminate()
        process.wait(60)
    info = infos[0]
    assert (info.width, info.height, info.header.frame_id) == (128, 96, 'webcam')
    assert info.k.tolist() == [100, 0, 64, 0, 101, 48, 0, 0, 1] and list(info.d) == [0.1, -0.2, 0, 0, 0]
    assert info.p[0] == 90


@pytest.mark.parametrize('rate, period', [(20.0, 0.05), (0.0, 0.04)])
def test_its_clock_has_the_rate_that_is_asked_or_that_of_the_clip(robot, clip, rate, period):
    node = ClipPlayer(parameter_overrides=[Parameter('clip', value=str(clip)), Parameter('rate', value=rate)])
    (timer,) = node.timers
    assert timer.timer_period_ns == round(period * 1e9)
    node.destroy_node()


def test_it_waits_for_a_listener_and_ends_with_the_clip(robot, ros_domain, clip, until):
    process = player(ros_domain, f'clip:={clip}', 'rate:=200.0')
    until(lambda: robot.tester.count_publishers('/image_raw'))
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    robot.tester.create_subscription(Image, '/image_raw', lambda image: None, 10)
    assert process.wait(60) == 0


SIGNALLED = """
import os, signal, sys
import rclpy
import mpn_ros.testing.clip_player as clip_player
make = clip_player.serialize_image

def serialize(*arguments):
    os.kill(os.getpid(), signal.SIGTERM)
    while rclpy.ok():
        pass
    return make(*arguments)

clip_player.serialize_image = serialize
sys.exit(clip_player.main())
"""


def test_a_signal_while_an_image_is_sent_is_no_error(robot, ros_domain, clip):
    robot.tester.create_subscription(Image, '/image_raw', lambda image: None, 10)
    process = player(ros_domain, f'clip:={clip}', program=SIGNALLED)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 0 and 'Traceback' not in said, said


TWICE = """
import os, signal, sys
from mpn_ros.testing.clip_player import main
status = main()
os.kill(os.getpid(), signal.SIGINT)
sys.exit(status)
"""


def test_a_second_ctrl_c_while_it_ends_is_no_error(robot, ros_domain, clip):
    robot.tester.create_subscription(Image, '/image_raw', lambda image: None, 10)
    process = player(ros_domain, f'clip:={clip}', 'rate:=200.0', program=TWICE)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 0 and 'Traceback' not in said, said


@pytest.mark.parametrize(
    'parameters, says',
    [
        (['clip:=missing.mp4'], 'missing.mp4 cannot be read'),
        (['rate:=-1.0'], 'rate'),
        (['loop:=3'], 'loop'),
        (['camera_info:=missing.yaml'], 'missing.yaml cannot be read'),
        ([f'camera_info:={__file__}'], 'is no calibration file'),
    ],
)
def test_what_cannot_be_played_is_told(ros_domain, clip, parameters, says):
    process = player(ros_domain, *([] if parameters[0].startswith('clip') else [f'clip:={clip}']), *parameters)
    error = process.communicate(timeout=60)[1]
    assert process.returncode == 2
    assert says in error and 'Traceback' not in error
