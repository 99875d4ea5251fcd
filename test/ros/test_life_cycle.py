"""What a node holds does not grow with what it has been through, and it ends when and as it should."""

from __future__ import annotations

import gc
import os
import threading
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
pytest.importorskip('vision_msgs', reason='vision_msgs is not installed here')
pytest.importorskip('mpn_ros.msg', reason='the messages of mpn_ros are not built here')

from benchmarks.load.cameras import Cameras  # noqa: E402
from benchmarks.load.measure import measure  # noqa: E402

pytestmark = pytest.mark.ros

CYCLES = 200
PATH = 'configure', 'activate', 'deactivate', 'cleanup'


def held() -> tuple[int, int, float]:
    """Open descriptors, threads, and resident memory in MiB of this process."""
    gc.collect()
    pages = int(Path('/proc/self/statm').read_text().split()[1])
    return len(os.listdir('/proc/self/fd')), threading.active_count(), pages * os.sysconf('SC_PAGESIZE') / 2**20


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


def test_every_image_of_eight_cameras_is_accounted_for(robot, stub, ros_domain, tmp_path, monkeypatch, large_images):
    """The short form of ``make load``: 8 cameras of 1280x720 at 30 Hz in another process, and a network that answers
    three times a second. What is sent is what was received and what the middleware has lost; what was received is
    answered or dropped; the newest wins, and memory stays."""
    monkeypatch.setenv('ROS_DOMAIN_ID', str(ros_domain))
    names = [f'camera{number}' for number in range(8)]
    np.save(tmp_path / 'pictures.npy', np.zeros((len(names), 720, 1280, 3), np.uint8))
    robot.start(stub(delay=0.3), cameras=names, diagnostics_period=0.1)
    with Cameras(tmp_path / 'pictures.npy', names, 'raw') as cameras:
        load = measure(robot.tester, os.getpid(), cameras, seconds=3, rate=30)
    assert load['sent'] >= 8 * 3 * 30 and load['dropped'] > 0, 'the load was none'
    assert load['unknown'] == load['under_way'] == load['failed'] == load['malformed'] == 0
    assert load['answered'] + load['dropped'] == load['received']
    assert 0 < load['taken, worst'] <= load['heard, worst'] < 3, 'a queue would be older: most images are not answered'
    assert load['memory, most'] - load['memory before'] < 300
