"""The node on an rclpy that lacks what ROS 2 Humble's lacks; the rest of it is that of this installation."""

from __future__ import annotations

import pytest

pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
pytest.importorskip('vision_msgs', reason='vision_msgs is not installed here')
pytest.importorskip('mpn_ros.msg', reason='the messages of mpn_ros are not built here')

from diagnostic_msgs.msg import DiagnosticArray  # noqa: E402
from mpn_ros.msg import SkeletonArray  # noqa: E402
from rclpy.node import Node  # noqa: E402
from rclpy.subscription import Subscription  # noqa: E402

from mpn_ros.ros import camera_input  # noqa: E402

pytestmark = pytest.mark.ros


@pytest.fixture(autouse=True)
def humble(monkeypatch):
    """Subscriptions call back with the message alone; nobody is told after parameters have been set."""
    kinds = getattr(Subscription, 'CallbackType', None)
    if kinds is None:
        return  # it is one
    monkeypatch.setattr(camera_input, 'HAS_MESSAGE_INFO', False)
    monkeypatch.setattr(
        Subscription, '_callback_type', property(lambda _: kinds.MessageOnly, lambda _, kind: None), raising=False
    )
    monkeypatch.delattr(Node, 'add_post_set_parameters_callback')


def test_images_are_answered_and_none_is_called_missed(robot, until):
    robot.start()
    answers = robot.listen(SkeletonArray, '/skeletons')
    send = robot.camera()
    until(lambda: send() and len(answers) >= 3)
    assert answers[0].header.stamp.sec == send().header.stamp.sec
    statuses = robot.listen(DiagnosticArray, '/diagnostics')
    counts = until(lambda: statuses and {pair.key: pair.value for pair in statuses[-1].status[0].values})
    assert int(counts['answered']) >= 3 and counts['missed'] == '0'


def test_parameters_take_effect_and_wrong_ones_do_not(robot, stub, until):
    pipeline = stub()
    robot.start(pipeline)
    assert robot.set('person_threshold', 0.7).successful
    until(lambda: pipeline.thresholds and pipeline.thresholds.score_threshold == 0.7)
    assert not robot.set('person_threshold', 1.5).successful
    assert not robot.set('weights', 'other').successful
    assert pipeline.thresholds.score_threshold == 0.7
