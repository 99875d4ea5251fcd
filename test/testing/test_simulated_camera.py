"""What ``make demo`` measures, on the real middleware with a pipeline that is known."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
pytest.importorskip('vision_msgs', reason='vision_msgs is not installed here')
pytest.importorskip('mpn_ros.msg', reason='the messages of mpn_ros are not built here')

from sensor_msgs.msg import Image  # noqa: E402

from mpn_ros.testing.simulated_camera import PlaybackLog, SimulatedCamera  # noqa: E402

pytestmark = pytest.mark.ros


def test_a_clip_is_played_and_its_answers_are_measured(robot, stub, until):
    robot.start(stub(delay=0.06), diagnostics_period=0.1)
    camera = SimulatedCamera(robot.tester)
    until(camera.ready)
    camera.play((np.full((30, 40, 3), 10 * value, np.uint8) for value in range(20)), rate=50.0, alive=lambda: True)
    until(lambda: 19 in camera.log.complete())
    log, summary = camera.log, camera.log.summary(camera.diagnostics)
    assert summary['frames_sent'] == 20 and 4 <= summary['frames_answered'] == len(log.complete()) < 15
    assert summary['people_mean'] == summary['people_max'] == 1 and summary['backend'] == 'stub'
    assert 60 <= summary['latency_ms']['p50'] <= summary['latency_ms']['p95'] <= summary['latency_ms']['p99']
    assert summary['camera_hz'] <= 51
    for number, answer in log.complete().items():
        score = answer.result().people[0].score
        assert score == pytest.approx(10 * number / 255), 'an answer was taken for that of another image'


def test_overlay_images_are_not_in_the_log(robot, until):
    robot.start(diagnostics_period=0.1)
    camera = SimulatedCamera(robot.tester)
    until(camera.ready)
    overlay = camera.send_until_received(np.zeros((30, 40, 3), np.uint8), Image, 'overlay', 10.0, lambda: True)
    assert (overlay.width, overlay.height) == (40, 30)
    assert camera.log.summary({})['frames_sent'] == 0 and not camera.log.results


def test_a_dead_node_ends_the_play(robot):
    camera = SimulatedCamera(robot.tester)
    camera.play([np.zeros((4, 4, 3), np.uint8)] * 100, rate=10.0, alive=lambda: len(camera.log.sent) < 2)
    assert len(camera.log.sent) == 2
    assert camera.send_until_received(np.zeros((4, 4, 3), np.uint8), Image, 'overlay', 60.0, lambda: False) is None


def test_nothing_received_is_no_figure():
    summary = PlaybackLog().summary({})
    assert summary['frames_answered'] == 0 and summary['latency_ms'] is None and summary['people_max'] == 0
