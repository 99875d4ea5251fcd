"""Markers that cover the keypoints that they stand for."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
pytest.importorskip('visualization_msgs', reason='visualization_msgs is not installed here')
pytest.importorskip('mpn_ros.msg', reason='the messages of mpn_ros are not built here')

from sensor_msgs.msg import CameraInfo  # noqa: E402
from std_msgs.msg import Header  # noqa: E402
from visualization_msgs.msg import Marker, MarkerArray  # noqa: E402

from mpn_ros.camera_model import CameraModel  # noqa: E402
from mpn_ros.result import Person  # noqa: E402
from mpn_ros.ros.outputs.markers import markers  # noqa: E402
from mpn_ros.ros.outputs.positions import project_to_distance  # noqa: E402
from mpn_ros.skeleton import COCO  # noqa: E402

pytestmark = pytest.mark.ros

HEADER = Header(frame_id='camera_optical_frame')
MATRIX = np.array([[500.0, 0, 310], [0, 510, 245], [0, 0, 1]])
UNSEEN = 3, 9


@pytest.fixture
def person() -> Person:
    keypoints = np.random.default_rng(0).uniform((30, 30, 1), (600, 450, 1), (17, 3)).astype(np.float32)
    keypoints[UNSEEN, :] = np.nan, np.nan, 0
    return Person(np.array([30, 30, 600, 450], np.float32), 0.9, keypoints, 7)


@pytest.mark.parametrize('distance', [0.5, 3.0, 20.0])
@pytest.mark.parametrize(
    'distortion', [np.empty(0), np.array([-0.2, 0.05, 0.001, -0.002, 0])], ids=['none', 'plumb_bob']
)
def test_on_rays_they_land_on_their_pixels(person, distortion, distance):
    model = CameraModel(MATRIX, distortion, 640, 480)
    points = project_to_distance(person.keypoints[None], model, distance).points
    keypoints = next(marker for marker in markers([person], points, HEADER, 1.0).markers if marker.ns == 'joints')
    there = np.array([[point.x, point.y, point.z] for point in keypoints.points])
    back, _ = cv2.projectPoints(there, np.zeros(3), np.zeros(3), MATRIX, distortion if distortion.size else None)
    assert there[:, 2] == pytest.approx(distance)
    np.testing.assert_allclose(back[:, 0], person.keypoints[person.visible, :2], atol=0.3)


def test_bones_join_their_keypoints_and_end_in_none_that_is_not_there(person):
    points = np.random.default_rng(1).uniform(1, 3, (1, 17, 3))
    points[0, UNSEEN, :] = np.nan
    bones = next(marker for marker in markers([person], points, HEADER, 1.0).markers if marker.ns == 'bones')
    drawn = np.array([[point.x, point.y, point.z] for point in bones.points]).reshape(-1, 2, 3)
    expected = [(a, b) for a, b in COCO.edges if a not in UNSEEN and b not in UNSEEN]
    np.testing.assert_array_equal(drawn, points[0, expected])
    assert bones.type == Marker.LINE_LIST and len(bones.colors) == len(bones.points)
    left, right = (expected.index(edge) * 2 for edge in ((15, 13), (16, 14)))
    assert bones.colors[left] != bones.colors[right] and all(colour.a == 1 for colour in bones.colors)


def test_all_lie_in_the_images_frame_and_replace_what_was_drawn_before(person):
    people = [person, Person(person.box, 0.5, person.keypoints)]
    array = markers(people, np.ones((2, 17, 3)), HEADER, 1.5).markers
    assert array[0].action == Marker.DELETEALL and all(marker.action == Marker.ADD for marker in array[1:])
    assert all(marker.header == HEADER for marker in array)
    assert len({(marker.ns, marker.id) for marker in array[1:]}) == len(array) - 1
    assert all((marker.lifetime.sec, marker.lifetime.nanosec) == (1, 500_000_000) for marker in array[1:])
    assert [marker.text for marker in array if marker.ns == 'ids'] == ['7'], 'who has no id has no text'


def test_an_id_stands_above_the_head(person):
    points = np.ones((1, 17, 3))
    points[0, :, 1] = np.linspace(-0.8, 0.9, 17)
    text = markers([person], points, HEADER, 1.0).markers[-1]
    assert text.type == Marker.TEXT_VIEW_FACING and text.pose.position.y < -0.8 and text.scale.z > 0


def test_far_and_near_are_drawn_alike(person):
    near, far = (markers([person], np.full((1, 17, 3), z), HEADER, 1.0).markers[1] for z in (1.0, 5.0))
    assert far.scale.x == pytest.approx(5 * near.scale.x)


def test_nobody_and_nobody_with_a_position_leave_nothing(person):
    for people, points in (([], np.empty((0, 17, 3))), ([person], np.full((1, 17, 3), np.nan))):
        array = markers(people, points, HEADER, 1.0).markers
        assert [marker.action for marker in array] == [Marker.DELETEALL]


def test_a_lone_keypoint_makes_no_empty_marker(person):
    points = np.full((1, 17, 3), np.nan)
    points[0, 0] = 1
    array = markers([person], points, HEADER, 1.0).markers[1:]
    assert all(marker.points or marker.text for marker in array)
    assert {marker.ns for marker in array} == {'joints', 'ids'}


def test_images_in_another_frame_than_rviz_shows_are_told_once_with_what_to_give(robot, until, capfd):
    robot.start(cameras=['left', 'right'], rviz_fixed_frame='camera_optical_frame')
    robot.listen(MarkerArray, '/left/markers')
    right = robot.listen(MarkerArray, '/right/markers')
    for name, frame in (('left', 'camera_optical_frame'), ('right', 'other')):
        info = robot.tester.create_publisher(CameraInfo, f'/{name}/camera_info', 10)
        camera = robot.camera(f'/{name}/image_raw')
        calibration = CameraInfo(width=40, height=30, k=[30.0, 0, 20, 0, 30, 15, 0, 0, 1])

        def send(camera=camera, frame=frame, info=info, calibration=calibration):
            info.publish(calibration)
            camera(header=Header(frame_id=frame))
            return len(right) > 3 or frame != 'other'

        until(lambda: send() and send())
    said = capfd.readouterr().err
    assert said.count('rviz_fixed_frame:=') == 1 and "'other'" in said and 'images of right' in said
