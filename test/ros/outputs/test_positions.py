"""People in metres over the middleware: measured by depth images, estimated without, and told when there are none."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from mpn_ros.result import Person, PoseResult

pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
pytest.importorskip('vision_msgs', reason='vision_msgs is not installed here')
pytest.importorskip('mpn_ros.msg', reason='the messages of mpn_ros are not built here')

from diagnostic_msgs.msg import DiagnosticArray  # noqa: E402
from mpn_ros.msg import Keypoint3D, Skeleton3DArray, SkeletonArray  # noqa: E402
from sensor_msgs.msg import CameraInfo, CompressedImage, Image  # noqa: E402
from visualization_msgs.msg import MarkerArray  # noqa: E402

from mpn_ros.ros.outputs.depth_positions import MeasuredPositions  # noqa: E402

pytestmark = pytest.mark.ros

DEPTH = {'depth_topic': 'depth/image_raw'}
SIZE = 40, 30


class UprightPerson:
    """A pipeline that sees the same person in every image."""

    backend = SimpleNamespace(info='stub')
    weights = SimpleNamespace(source='none')
    input_size, max_batch_size, thread_affine = 64, 8, False
    thresholds, refine, default_refine, segments = None, 0, 4, True

    def warm(self):
        pass

    def batch(self, images, channel_order, expected) -> list[PoseResult]:
        keypoints = np.full((17, 3), (20, 14, 0.5), np.float32)
        keypoints[[5, 6, 11, 12], :2] = (23, 10), (17, 10), (22, 18), (18, 18)
        keypoints[9] = np.nan, np.nan, 0
        return [
            PoseResult(
                (Person(np.array([15, 5, 25, 28], np.float32), 0.9, keypoints),), np.zeros(image.shape[:2], np.uint8)
            )
            for image in images
        ]


def camera_info(**fields) -> CameraInfo:
    k = [50.0, 0.0, 19.5, 0.0, 50.0, 14.5, 0.0, 0.0, 1.0]
    return CameraInfo(
        **{'width': SIZE[0], 'height': SIZE[1], 'distortion_model': 'plumb_bob', 'd': [0.0] * 5, 'k': k, **fields}
    )


def depth_image(like: Image, metres: float = 2.0, **fields) -> Image:
    """Half the image's size, in millimetres, under its header."""
    image = Image(header=like.header, width=SIZE[0] // 2, height=SIZE[1] // 2, step=SIZE[0], encoding='16UC1')
    image.data.frombytes(np.full((SIZE[1] // 2, SIZE[0] // 2), round(metres * 1000), '<u2').tobytes())
    for name, value in fields.items():
        setattr(image, name, value)
    return image


def depth_kept(node) -> bool:
    """Whether a depth image has come to the node."""
    (positions,) = (output for output in node._cameras[0].outputs if isinstance(output, MeasuredPositions))
    return bool(positions._synchronizer._streams['depth'].messages)


@pytest.fixture
def rig(robot, until):
    """``rig(**parameters)``: the node, what comes back, and functions that send images, depth images and
    camera_info."""

    def start(**parameters) -> SimpleNamespace:
        node = robot.start(UprightPerson(), **parameters)
        made = SimpleNamespace(
            node=node,
            positions=robot.listen(Skeleton3DArray, '/skeletons_3d'),
            people=robot.listen(SkeletonArray, '/skeletons'),
            send=robot.camera(size=SIZE),
        )
        info = robot.tester.create_publisher(CameraInfo, '/camera_info', 10)
        depth = robot.tester.create_publisher(Image, '/depth/image_raw', 10)
        until(info.get_subscription_count)
        if parameters.get('depth_topic'):
            until(depth.get_subscription_count)
        made.depth = depth.publish

        def calibrate(**fields) -> None:
            info.publish(camera_info(**fields))
            until(lambda: node._cameras[0].input.calibration._info)

        made.calibrate = calibrate
        return made

    return start


@pytest.mark.parametrize('depth_first', [True, False])
def test_keypoints_are_where_the_depth_image_sees_them(rig, until, depth_first):
    made = rig(**DEPTH)
    made.calibrate()
    like = Image()
    like.header.frame_id, like.header.stamp.sec, like.header.stamp.nanosec = 'camera_optical_frame', 1234, 1
    if depth_first:
        made.depth(depth_image(like))
        until(lambda: depth_kept(made.node))
    sent = made.send(header=like.header)
    if not depth_first:
        until(lambda: made.people)
        assert not made.positions
        made.depth(depth_image(like))
    until(lambda: made.positions)
    assert made.positions[0].header == sent.header
    (person,) = made.positions[0].skeletons
    assert (person.id, person.score) == (1, pytest.approx(0.9))
    shoulder = person.keypoints[5]
    assert shoulder.valid and shoulder.source == Keypoint3D.MEASURED and shoulder.score == pytest.approx(0.5)
    place = shoulder.position.x, shoulder.position.y, shoulder.position.z
    assert place == pytest.approx((3.5 / 50 * 2, -4.5 / 50 * 2, 2.0), abs=1e-4)
    assert (person.torso.position.x, person.torso.position.z) == pytest.approx((0.5 / 50 * 2, 2.0), abs=1e-4)
    wrist = person.keypoints[9]
    assert not wrist.valid and wrist.source == Keypoint3D.NONE and np.isnan([wrist.position.z, wrist.spread]).all()


def test_without_depth_people_are_answered_in_pixels_and_it_is_told(rig, robot, until):
    made = rig(**DEPTH, diagnostics_period=0.1)
    told = robot.listen(DiagnosticArray, '/diagnostics')
    made.calibrate()
    for _ in range(3):
        sent = made.send()
        until(lambda sent=sent: made.people and made.people[-1].header == sent.header)
    until(
        lambda: any(
            {pair.key: pair.value for pair in status.values}.get('without_position') == '2'
            and 'no depth image' in status.message
            for message in told
            for status in message.status
        )
    )
    assert not made.positions


@pytest.mark.parametrize(
    'fields, says',
    [
        ({'encoding': 'rgb8'}, 'not depth'),
        ({'step': 3}, 'step of 3'),
        ({'height': 0}, 'no pixels'),
        ({'width': 10, 'height': 15}, 'not registered'),
        ({'header': Image().header}, 'registered'),
    ],
)
def test_a_depth_image_that_cannot_be_used_is_told_and_the_next_one_is(rig, until, fields, says):
    made = rig(**DEPTH, depth_tolerance=1.0)
    made.calibrate()
    sent = made.send()
    until(lambda: made.people)
    if 'header' in fields:
        fields['header'].stamp = sent.header.stamp
    made.depth(depth_image(sent, **fields))
    statistics = made.node._cameras[0].statistics
    until(lambda: statistics.snapshot().without_position == 1)
    assert says in statistics.snapshot().fault and not made.positions
    sent = made.send()
    until(lambda: len(made.people) == 2)
    made.depth(depth_image(sent))
    until(lambda: made.positions)


def test_without_stamps_images_and_depth_are_paired_by_arrival_and_it_is_told(rig, robot, until):
    made = rig(**DEPTH, depth_tolerance=1.0, diagnostics_period=0.1)
    told = robot.listen(DiagnosticArray, '/diagnostics')
    made.calibrate()
    unstamped = Image()
    unstamped.header.frame_id = 'camera_optical_frame'

    def measured():
        made.depth(depth_image(unstamped, 3.0))
        made.send(header=unstamped.header)
        return made.positions

    until(measured)
    assert made.positions[0].skeletons[0].torso.position.z == pytest.approx(3.0)
    until(
        lambda: any(
            {pair.key: pair.value for pair in status.values}.get('paired_by_arrival', '0') != '0'
            and "'/depth/image_raw' are paired with images by their arrival" in status.message
            for message in told
            for status in message.status
        )
    )


def test_a_depth_topic_of_another_type_is_told(robot, until):
    robot.stranger().create_publisher(CompressedImage, '/depth/image_raw', 10)
    robot.start(**DEPTH, diagnostics_period=0.1)
    told = robot.listen(DiagnosticArray, '/diagnostics')
    until(
        lambda: any(
            "'/depth/image_raw' carries sensor_msgs/msg/CompressedImage" in status.message
            and "'depth_topic'" in status.message
            for message in told
            for status in message.status
        )
    )


def test_a_camera_that_is_opened_again_knows_no_depth_of_before(rig, robot, until):
    made = rig(**DEPTH)
    made.calibrate()
    made.send()
    until(lambda: made.people)
    assert robot.transition('deactivate') and robot.transition('activate')
    statistics = made.node._cameras[0].statistics
    until(lambda: robot.tester.get_subscriptions_info_by_topic('/image_raw'))
    made.send()
    until(lambda: len(made.people) == 2)
    assert statistics.snapshot().without_position == 0


def test_without_camera_info_it_is_told(rig, until):
    made = rig(estimate_positions=True)
    made.send()
    statistics = made.node._cameras[0].statistics
    until(lambda: statistics.snapshot().without_position == 1)
    assert 'camera_info' in statistics.snapshot().fault
    made.calibrate()
    made.send()
    until(lambda: made.positions)


def test_an_estimate_says_that_it_is_one(rig, until):
    made = rig(estimate_positions=True, person_height=1.7)
    made.calibrate()
    made.send()
    until(lambda: made.positions)
    (person,) = made.positions[0].skeletons
    assert {point.source for point in person.keypoints} == {Keypoint3D.ESTIMATED, Keypoint3D.NONE}
    assert person.torso.spread == pytest.approx(0.15 * person.torso.position.z)


def test_frames_without_tf2_msgs_are_refused_with_a_sentence(robot, monkeypatch, capfd):
    monkeypatch.setitem(sys.modules, 'tf2_msgs.msg', None)
    node = robot.start(estimate_positions=True, publish_tf=True, autostart=False)
    assert not robot.transition('configure') and not node._cameras
    assert 'tf2_msgs' in capfd.readouterr().err


def test_bodies_are_frames_of_tf(rig, robot, until):
    tf2_msgs = pytest.importorskip('tf2_msgs.msg', reason='tf2_msgs is not installed here')
    made = rig(**DEPTH, publish_tf=True)
    heard = robot.listen(tf2_msgs.TFMessage, '/tf')
    made.calibrate()
    sent = made.send()
    made.depth(depth_image(sent))
    until(lambda: heard)
    (frame,) = heard[0].transforms
    assert frame.header == sent.header and frame.child_frame_id == 'body_1'
    assert frame.transform.translation.z == pytest.approx(2) and frame.transform.rotation.w == 1


def test_markers_are_drawn_where_the_people_are(rig, robot, until):
    made = rig(**DEPTH)
    arrays = robot.listen(MarkerArray, '/markers')
    made.calibrate()
    made.depth(depth_image(made.send(), 2.5))
    until(lambda: arrays and made.positions)
    (drawn,) = (marker for marker in arrays[0].markers if marker.ns == 'joints')
    placed = [keypoint.position for keypoint in made.positions[0].skeletons[0].keypoints if keypoint.valid]
    assert [(point.x, point.y, point.z) for point in drawn.points] == [(p.x, p.y, p.z) for p in placed]
    assert len(placed) == 16 and placed[0].z == pytest.approx(2.5)
