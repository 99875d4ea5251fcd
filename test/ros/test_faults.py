"""The events that a robot's node must survive, injected into the running node over the real middleware."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import torch

pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
pytest.importorskip('vision_msgs', reason='vision_msgs is not installed here')
pytest.importorskip('mpn_ros.msg', reason='the messages of mpn_ros are not built here')

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus  # noqa: E402
from mpn_ros.msg import SkeletonArray  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402

from mpn_ros.errors import InferenceError  # noqa: E402

pytestmark = pytest.mark.ros


@pytest.fixture
def faulty(stub):
    """A pipeline that calls ``fault(values)`` before it answers images whose first values these are."""

    class Faulty(stub):
        def fault(self, values):
            pass

        def batch(self, images, channel_order, expected):
            self.fault([int(image[0, 0, 0]) for image in images])
            return super().batch(images, channel_order, expected)

    return Faulty()


def counted(node, camera=0):
    return node._cameras[camera].statistics.snapshot()


def pose_statuses(messages):
    return [status for message in messages for status in message.status if status.name.startswith('/pose')]


def test_a_camera_that_restarts_is_heard_again_and_counts_no_gap(robot, until):
    node = robot.start()
    people = robot.listen(SkeletonArray, '/skeletons')
    for run in range(3):
        send = robot.camera()
        for n in (1, 2):
            send()
            until(lambda wanted=2 * run + n: len(people) == wanted)
        robot.tester.destroy_publisher(next(p for p in robot.tester.publishers if p.topic_name == '/image_raw'))
        until(lambda: not robot.tester.get_publishers_info_by_topic('/image_raw'))
    snapshot = counted(node)
    assert snapshot.missed == snapshot.failed == 0 and snapshot.answered == 6


def test_resolution_and_encoding_change_from_image_to_image(robot, until):
    robot.start()
    people, masks = robot.listen(SkeletonArray, '/skeletons'), robot.listen(Image, '/mask')
    send = robot.camera()
    images = [('mono8', 40, 30, 1), ('rgb8', 64, 48, 3), ('bgra8', 20, 90, 4), ('nv12', 16, 16, 1)]
    for n, (encoding, width, height, values) in enumerate(images, 1):
        rows = height * 3 // 2 if encoding == 'nv12' else height
        message = Image(encoding=encoding, width=width, height=height, step=width * values)
        message.data.frombytes(bytes([120]) * (rows * message.step))
        send(encoding=encoding, width=width, height=height, step=message.step, data=message.data)
        until(lambda n=n: len(people) == len(masks) == n)
        assert (people[-1].image_width, people[-1].image_height) == (width, height)
        assert (masks[-1].width, masks[-1].height) == (width, height)


def test_stamps_that_stand_jump_and_are_zero_come_back_as_they_were(robot, until):
    node = robot.start()
    people = robot.listen(SkeletonArray, '/skeletons')
    send = robot.camera()
    now = int(time.time())
    stamps = [now, now, 0, now - 3600, now + 3600, 2**31 - 1, 1]
    for n, seconds in enumerate(stamps, 1):
        header = Image().header
        header.stamp.sec, header.frame_id = seconds, 'camera'
        send(header=header)
        until(lambda n=n: len(people) == n)
    assert [message.header.stamp.sec for message in people] == stamps
    assert counted(node).failed == 0


def test_stamps_that_are_swapped_missing_or_a_little_early_renumber_nobody(robot, until):
    robot.start(track_timeout=60.0)
    people = robot.listen(SkeletonArray, '/skeletons')
    send = robot.camera()
    ids = []
    for n, seconds in enumerate([1000.0, 1000.1, 1000.099, 0.0, 1050.0, 1050.2, 1050.1, 100.0, 100.1], 1):
        header = Image().header
        header.stamp.sec, header.stamp.nanosec = divmod(round(seconds * 1e9), 10**9)
        send(header=header, value=200)
        until(lambda n=n: len(people) == n)
        ids.append(people[-1].skeletons[0].id)
    assert ids == [1] * 7 + [2] * 2


def test_old_results_are_never_repeated_for_a_silent_camera(robot, until):
    robot.start(diagnostics_period=0.1, camera_timeout=0.3)
    people, messages = robot.listen(SkeletonArray, '/skeletons'), robot.listen(DiagnosticArray, '/diagnostics')
    robot.camera()()
    until(lambda: people)
    until(lambda: pose_statuses(messages) and pose_statuses(messages)[-1].level == DiagnosticStatus.STALE)
    assert len(people) == 1


@pytest.mark.parametrize(
    'error',
    [
        InferenceError('the answer of the network is not finite (stub)'),
        MemoryError(),
        RuntimeError('boom'),
        torch.cuda.OutOfMemoryError('CUDA out of memory.'),
    ],
)
def test_an_image_that_fails_is_an_error_and_never_nobody(robot, until, faulty, capfd, error):
    def fault(values):
        if 66 in values:
            raise error

    faulty.fault = fault
    node = robot.start(faulty, diagnostics_period=0.1, camera_timeout=60.0)
    people, messages = robot.listen(SkeletonArray, '/skeletons'), robot.listen(DiagnosticArray, '/diagnostics')
    publish = robot.camera()

    def send(value):  # ten a second: what frees memory takes its time
        time.sleep(0.1)
        return publish(value)

    until(lambda: send(66) and any(status.level == DiagnosticStatus.ERROR for status in pose_statuses(messages)), 60)
    until(lambda: counted(node).under_way == 0)
    settled = counted(node)
    assert not people and settled.failed > 0 and settled.answered == 0
    sent = send(67)
    until(lambda: people)
    assert [message.header for message in people] == [sent.header]
    until(lambda: send(67) and send(66) and pose_statuses(messages)[-1].level == DiagnosticStatus.WARN, 60)
    assert (str(error) or 'MemoryError') in pose_statuses(messages)[-1].message
    said = capfd.readouterr().err
    assert 'image not answered' in said and 'Traceback' not in said


def test_missing_memory_of_the_gpu_is_tried_once_more_and_told(robot, until, faulty, capfd):
    errors = [torch.cuda.OutOfMemoryError('CUDA out of memory.')]
    faulty.fault = lambda values: errors and fail(errors.pop())
    node = robot.start(faulty)
    people = robot.listen(SkeletonArray, '/skeletons')
    robot.camera()()
    until(lambda: people)
    assert counted(node).failed == 0 and 'sufficed after it was freed: CUDA out of memory' in capfd.readouterr().err


def fail(error):
    raise error


def test_a_network_that_hangs_is_told_and_ends_as_fatal(robot, until, faulty, monkeypatch):
    monkeypatch.setattr('mpn_ros.ros.node.WINDOW', 0.3)
    released = threading.Event()
    faulty.fault = lambda values: released.wait(30)
    node = robot.start(faulty, diagnostics_period=0.1)
    messages = robot.listen(DiagnosticArray, '/diagnostics')
    send = robot.camera()
    send()
    until(lambda: any('has worked on one image for' in status.message for status in pose_statuses(messages)))
    assert not node.fatal_reason
    assert robot.set('inference_timeout', 0.5).successful
    until(lambda: 'more than 0.5 s' in node.fatal_reason)
    until(lambda: pose_statuses(messages)[-1].level == DiagnosticStatus.ERROR)
    released.set()
    until(lambda: not node.fatal_reason)


def test_parameters_change_while_images_are_answered(robot, until, faulty):
    node = robot.start(faulty)
    people = robot.listen(SkeletonArray, '/skeletons')
    send = robot.camera()
    for n in range(30):
        send(n + 1)
        assert robot.set('person_threshold', n / 30).successful
        assert not robot.set('person_threshold', 1.5 + n).successful
    until(lambda: people and counted(node).under_way == 0)
    assert counted(node).failed == 0 and faulty.thresholds.score_threshold == pytest.approx(29 / 30)


LISTENER = """
import rclpy
from mpn_ros.msg import SkeletonArray
from sensor_msgs.msg import Image
rclpy.init()
node = rclpy.create_node('slow')
for kind, topic in ((SkeletonArray, '/skeletons'), (Image, '/mask'), (Image, '/overlay')):
    node.create_subscription(kind, topic, lambda message: print('heard', flush=True), 10)
rclpy.spin(node)
"""


@pytest.mark.parametrize('end', [signal.SIGSTOP, signal.SIGKILL])
def test_a_listener_that_stops_or_dies_holds_nobody_up(robot, until, end, ros_domain):
    node = robot.start()
    listener = subprocess.Popen(
        [sys.executable, '-c', LISTENER],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, 'ROS_DOMAIN_ID': str(ros_domain)},
    )
    try:
        people = robot.listen(SkeletonArray, '/skeletons')
        send = robot.camera(size=(640, 480))
        until(
            lambda: any(
                publisher.topic_name == '/overlay' and publisher.get_subscription_count()
                for publisher in node._cameras[0].topics._publishers
            ),
            timeout=60,
        )
        send()
        assert listener.stdout.readline() == 'heard\n'
        listener.send_signal(end)
        for _ in range(60):
            before = len(people)
            send()
            until(lambda before=before: len(people) > before)
        assert counted(node).failed == 0
    finally:
        listener.kill()
        listener.wait()


def test_two_nodes_of_one_name_are_told(robot, until):
    import rclpy

    robot.start(diagnostics_period=0.1)
    messages = robot.listen(DiagnosticArray, '/diagnostics')
    send = robot.camera()
    until(lambda: send() and any(status.level == DiagnosticStatus.OK for status in pose_statuses(messages)))
    twin = rclpy.create_node('pose', enable_rosout=False)
    robot._nodes.append(twin)
    until(lambda: send() and "another node is called '/pose'" in pose_statuses(messages)[-1].message)
    assert pose_statuses(messages)[-1].level == DiagnosticStatus.WARN


def test_one_camera_of_three_may_send_rubbish(robot, until):
    node = robot.start(cameras=['a', 'b', 'c'])
    heard = [robot.listen(SkeletonArray, f'/{name}/skeletons') for name in 'abc']
    send = [robot.camera(f'/{name}/image_raw') for name in 'abc']
    random = np.random.default_rng(0)
    for n in range(1, 11):
        send[0](step=int(random.integers(0, 39)))
        send[1]()
        send[2]()
        until(lambda n=n: [len(messages) for messages in heard] == [0, n, n] and counted(node).malformed == n)
    assert [counted(node, camera).malformed for camera in (1, 2)] == [0, 0]
