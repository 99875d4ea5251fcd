"""The parameter ``smoothing``: which topics are steady, and which are as the network found them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
pytest.importorskip('vision_msgs', reason='vision_msgs is not installed here')
pytest.importorskip('mpn_ros.msg', reason='the messages of mpn_ros are not built here')

from mpn_ros.msg import Skeleton3DArray, SkeletonArray  # noqa: E402
from robot import StubPipeline  # noqa: E402
from sensor_msgs.msg import CameraInfo  # noqa: E402
from std_msgs.msg import Header  # noqa: E402
from visualization_msgs.msg import MarkerArray  # noqa: E402

from mpn_ros.result import Person, PoseResult  # noqa: E402

pytestmark = pytest.mark.ros

NOSE, WRIST = 0, 9
STILL, JUMP, WITHOUT_WRIST = 100, 140, 99
FPS = 30


class JumpyPerson(StubPipeline):
    """A pipeline that sees a person half a pixel to the right in images of the value ``JUMP``."""

    def batch(self, images, channel_order, expected) -> list[PoseResult]:
        results = []
        for image in images:
            value = int(image[0, 0, 0])
            keypoints = np.full((17, 3), (20, 14, 0.8), np.float32)
            keypoints[[5, 6, 11, 12], :2] = (23, 10), (17, 10), (22, 18), (18, 18)
            keypoints[:, 0] += 0.5 * (value == JUMP)
            if value == WITHOUT_WRIST:
                keypoints[WRIST] = np.nan, np.nan, 0
            person = Person(np.array([15, 5, 25, 28], np.float32), 0.9, keypoints)
            results.append(PoseResult((person,), None, image.shape[1::-1]))
        return results


@pytest.fixture
def show(robot, until):
    """``show(values, **parameters)``: what is said of images of these values, one after the other at ``FPS``."""

    def start(values, **parameters) -> SimpleNamespace:
        robot.start(JumpyPerson(), estimate_positions=True, **parameters)
        said = SimpleNamespace(
            skeletons=robot.listen(SkeletonArray, '/skeletons'),
            positions=robot.listen(Skeleton3DArray, '/skeletons_3d'),
            markers=robot.listen(MarkerArray, '/markers'),
        )
        info = robot.tester.create_publisher(CameraInfo, '/camera_info', 10)
        send = robot.camera(size=(40, 30))
        until(info.get_subscription_count)
        k = [50.0, 0.0, 19.5, 0.0, 50.0, 14.5, 0.0, 0.0, 1.0]
        calibration = CameraInfo(width=40, height=30, distortion_model='plumb_bob', d=[0.0] * 5, k=k)
        number = 0

        def answered(value):
            nonlocal number
            number += 1
            info.publish(calibration)
            header = Header(frame_id='camera')
            header.stamp.sec, header.stamp.nanosec = 1000 + number // FPS, number % FPS * (10**9 // FPS)
            before = len(said.positions), len(said.markers)
            send(value, header=header)
            return until(
                lambda: (
                    len(said.skeletons) >= number
                    and (not before[0] or (len(said.positions) > before[0] and len(said.markers) > before[1]))
                )
            )

        while not (said.positions and said.markers):
            answered(values[0])
        for value in values:
            answered(value)
        return said

    return start


def x_of(skeletons) -> float:
    return skeletons.skeletons[0].keypoints[NOSE].x


def metres_of(positions) -> float:
    return positions.skeletons[0].keypoints[NOSE].position.x


@pytest.mark.parametrize('smoothing', ['off', 'spatial', 'all'])
def test_a_jump_is_damped_where_the_parameter_says(show, smoothing):
    parameters = {} if smoothing == 'spatial' else {'smoothing': smoothing}
    said = show([STILL] * 4 + [JUMP], **parameters)
    moved = x_of(said.skeletons[-1]) - x_of(said.skeletons[-2])
    assert moved == pytest.approx(0.5) if smoothing != 'all' else 0 < moved < 0.4
    distance = said.positions[-1].skeletons[0].torso.position.z
    in_space = (metres_of(said.positions[-1]) - metres_of(said.positions[-2])) / distance * 50
    assert in_space == pytest.approx(0.5, abs=0.01) if smoothing == 'off' else 0 < in_space < 0.4
    joints = [
        next(marker for marker in array.markers if marker.ns == 'joints').points[NOSE].x for array in said.markers[-2:]
    ]
    assert np.diff(joints) == pytest.approx(metres_of(said.positions[-1]) - metres_of(said.positions[-2]))


def test_a_keypoint_that_is_lost_for_one_image_stays_in_space_alone(show):
    said = show([STILL] * 4 + [WITHOUT_WRIST])
    wrist = said.positions[-1].skeletons[0].keypoints[WRIST]
    assert wrist.valid and 0 < wrist.score < 0.8 and wrist.spread > 0
    assert not said.skeletons[-1].skeletons[0].keypoints[WRIST].seen
