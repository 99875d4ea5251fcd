"""People as REP-155 has them."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
pytest.importorskip('vision_msgs', reason='vision_msgs is not installed here')
pytest.importorskip('mpn_ros.msg', reason='the messages of mpn_ros are not built here')

from mpn_ros.ros.outputs.hri import body_id, openpose_keypoints  # noqa: E402
from mpn_ros.ros.outputs.transforms import body_frame  # noqa: E402
from mpn_ros.skeleton import COCO  # noqa: E402

pytestmark = pytest.mark.ros

needs_hri_msgs = pytest.mark.skipif(importlib.util.find_spec('hri_msgs') is None, reason='hri_msgs is not installed')


def keypoints(**positions: tuple[float, float, float]) -> np.ndarray:
    keypoints = np.full((len(COCO), 3), (np.nan, np.nan, 0))
    for name, keypoint in positions.items():
        keypoints[COCO.names.index(name)] = keypoint
    return keypoints


def test_keypoints_come_in_openposes_order_and_the_neck_is_between_the_shoulders():
    made = openpose_keypoints(
        keypoints(
            left_shoulder=(30, 10, 0.8), right_shoulder=(10, 12, 0.6), right_wrist=(5, 50, 0.9), left_ear=(22, 2, 0.7)
        )
    )
    assert made.shape == (18, 3)
    assert made[1].tolist() == [20, 11, 0.6] and made[2].tolist() == [10, 12, 0.6] and made[5].tolist() == [30, 10, 0.8]
    assert made[4].tolist() == [5, 50, 0.9] and made[16].tolist() == [22, 2, 0.7]
    assert np.isnan(made[[0, 3, 17], 0]).all()


@pytest.mark.parametrize(
    'camera, body, frame, alone',
    [
        ('', 'p3', 'body_p3', 'body_3'),
        ('left', 'left_p3', 'body_left_p3', 'left_body_3'),
        ('arm/left', 'arm_left_p3', 'body_arm_left_p3', 'arm_left_body_3'),
    ],
)
def test_a_body_has_the_frame_that_rep_155_names(camera, body, frame, alone):
    assert body_id(camera, 3) == body
    assert body_frame(camera, True, 3) == frame == f'body_{body}' and body_frame(camera, False, 3) == alone


def test_half_the_shoulders_make_no_neck():
    neck = openpose_keypoints(keypoints(left_shoulder=(30, 10, 0.8)))[1]
    assert np.isnan(neck[:2]).all() and neck[2] == 0


def test_without_hri_msgs_the_parameter_is_refused_in_a_sentence(robot, capfd, monkeypatch):
    monkeypatch.setitem(sys.modules, 'hri_msgs', None)
    robot.start(autostart=False, publish_humans=True)
    assert not robot.transition('configure') and robot.state() == 'unconfigured'
    said = capfd.readouterr().err
    assert "'publish_humans'" in said and 'hri_msgs' in said and 'Traceback' not in said


@needs_hri_msgs
def test_bodies_come_and_go_under_ids_of_their_camera(robot, stub, until):
    from hri_msgs.msg import IdsList, NormalizedRegionOfInterest2D, Skeleton2D

    pipeline = stub()
    robot.start(pipeline, cameras=['left', 'right'], publish_humans=True, track_timeout=60.0)
    tracked = robot.listen(IdsList, '/humans/bodies/tracked')
    left, right = robot.camera('/left/image_raw'), robot.camera('/right/image_raw')
    until(lambda: left(200) and right(200) and tracked and set(tracked[-1].ids) == {'left_p1', 'right_p1'})
    rois = robot.listen(NormalizedRegionOfInterest2D, '/humans/bodies/left_p1/roi')
    skeletons = robot.listen(Skeleton2D, '/humans/bodies/left_p1/skeleton2d')
    sent = until(lambda: (sent := left(200)) and rois and skeletons and sent)
    assert rois[0].header.frame_id == sent.header.frame_id
    assert (rois[0].xmin, rois[0].ymin, rois[0].xmax, rois[0].ymax) == pytest.approx((1 / 40, 2 / 30, 11 / 40, 22 / 30))
    nose, neck = skeletons[0].skeleton[:2]
    assert (nose.x, nose.y, nose.c) == pytest.approx((3.5 / 40, 4.5 / 30, 0.5))
    assert (neck.x, neck.y, neck.c) == (0, 0, 0), 'one shoulder is not seen'
    pipeline.people = 0
    assert robot.set('track_timeout', 0.1).successful
    until(lambda: left(200) and not tracked[-1].ids)
    until(lambda: not robot.tester.count_publishers('/humans/bodies/left_p1/roi'))
    assert robot.transition('deactivate') and robot.transition('cleanup')
    until(lambda: not robot.tester.count_publishers('/humans/bodies/tracked'))
