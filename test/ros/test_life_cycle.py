"""What a node holds does not grow with what it has been through, and it ends when and as it should."""

from __future__ import annotations

import gc
import os
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
pytest.importorskip('vision_msgs', reason='vision_msgs is not installed here')
pytest.importorskip('mpn_ros.msg', reason='the messages of mpn_ros are not built here')

from mpn_ros.msg import SkeletonArray  # noqa: E402

pytestmark = pytest.mark.ros

CYCLES = 200
PATH = 'configure', 'activate', 'deactivate', 'cleanup'


def held() -> tuple[int, int, float]:
    """Open descriptors, threads, and resident memory in MiB of this process."""
    gc.collect()
    pages = int(Path('/proc/self/statm').read_text().split()[1])
    return len(os.listdir('/proc/self/fd')), threading.active_count(), pages * os.sysconf('SC_PAGESIZE') / 2 ** 20


def test_a_node_that_comes_and_goes_holds_no_more_than_before(robot):
    robot.start(autostart=False)

    def cycle() -> None:
        for transition in PATH:
            assert robot.transition(transition)
    for _ in range(5):  # the middleware allocates at first
        cycle()
    descriptors, threads, memory = held()
    for _ in range(CYCLES):
        cycle()
    after = held()
    assert after[:2] == (descriptors, threads)
    assert after[2] - memory < 10, f'{memory:.0f} MiB became {after[2]:.0f} in {CYCLES} cycles'


def test_every_image_of_four_cameras_at_full_rate_is_accounted_for(robot, stub, until):
    """Load beyond what the node can answer: the newest wins, and sent is what was received and what the middleware has
    lost, received what was answered, dropped, or is under way."""
    names = ['a', 'b', 'c', 'd']
    node = robot.start(stub(delay=.05), cameras=names)
    heard = {name: robot.listen(SkeletonArray, f'/{name}/skeletons') for name in names}
    send = {name: robot.camera(f'/{name}/image_raw', size=(640, 480)) for name in names}
    for name in names:  # what was sent before the first that is heard cannot be known
        until(lambda name=name: send[name]() and heard[name])
    until(lambda: all(camera.counters.snapshot().under_way == 0 for camera in node._cameras))
    before = [camera.counters.snapshot() for camera in node._cameras]
    _, _, memory = held()
    count, started = 60, time.monotonic()
    for n in range(count):
        for name in names:
            send[name](n + 1)
        time.sleep(max(0., started + (n + 1) / 30 - time.monotonic()))
    for camera in node._cameras:  # the last of all is never lost to a newer one
        until(lambda camera=camera: camera.counters.snapshot().under_way == 0)
    for name in names:
        until(lambda name=name: send[name](201) and heard[name][-1].skeletons[0].score == pytest.approx(201 / 255))
    until(lambda: all(camera.counters.snapshot().under_way == 0 for camera in node._cameras))
    for camera, first in zip(node._cameras, before, strict=True):
        now = camera.counters.snapshot()
        received, missed = now.received - first.received, now.missed - first.missed
        assert received + missed >= count + 1
        assert now.answered + now.dropped == now.received and now.failed == now.malformed == 0
        assert now.answered - first.answered < received, 'the load was none'
    assert held()[2] - memory < 50
