"""Diagnostics that are true, held against what a camera has measured from outside."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
pytest.importorskip('vision_msgs', reason='vision_msgs is not installed here')
pytest.importorskip('mpn_ros.msg', reason='the messages of mpn_ros are not built here')

from mpn_ros.testing.simulated_camera import SimulatedCamera  # noqa: E402

pytestmark = pytest.mark.ros

DELAY = 0.06
RATE = 8.0


@pytest.fixture
def played(robot, stub, until):
    """What diagnostics tell at the end of twenty images, and the camera's own record."""
    robot.start(stub(delay=DELAY), diagnostics_period=0.1)
    camera = SimulatedCamera(robot.tester)
    until(camera.ready)
    camera.play([np.full((30, 40, 3), 90, np.uint8)] * 20, RATE, lambda: True)
    until(lambda: 19 in camera.log.complete())
    answered = len(camera.log.complete())
    until(lambda: int(camera.diagnostics['answered']) == answered and camera.diagnostics['publish p50 (ms)'])
    return camera.diagnostics, camera.log


def test_counts_and_rates_are_those_that_came(played):
    facts, record = played
    answered = len(record.complete())
    assert int(facts['received']) == answered + int(facts['dropped'])
    assert int(facts['received']) + int(facts['missed']) <= len(record.sent) == 20
    assert facts['people'] == '1' and facts['backend'] == 'stub'
    sent_for = record.sent[-1] - record.sent[0]
    assert float(facts['rate (Hz)']) <= 1.1 * 19 / sent_for + 0.1, 'more answers a second than images'


def test_stages_are_within_the_latency_and_that_within_what_the_listener_saw(played):
    facts, record = played
    p50 = {
        name: float(facts[f'{name} p50 (ms)'])
        for name in (
            'latency',
            'wait',
            'decode',
            'inference',
            'tracking',
            'publish',
            'overhead',
            'stamp_to_inference',
            'age',
        )
    }
    seen = np.median([answer.latency for answer in record.complete().values()]) * 1e3
    assert 1e3 * DELAY <= p50['inference'] <= p50['latency'] <= p50['age'] and p50['latency'] <= seen
    assert p50['wait'] + p50['decode'] <= p50['stamp_to_inference'] < p50['age'] - 1e3 * DELAY + 1
    assert p50['wait'] + p50['decode'] <= p50['overhead'] < p50['latency'] - 1e3 * DELAY + 1
    worst = {name: float(facts[f'{name} p99 (ms)']) for name in p50}
    assert worst['latency'] <= sum(worst[name] for name in ('wait', 'decode', 'inference', 'tracking', 'publish')) + 1
    others = 'wait', 'decode', 'tracking', 'publish'
    assert all(p50[name] < p50['inference'] for name in others), 'a stage took what was not its'


def test_memory_is_that_of_the_process(played):
    held = re.search(r'VmRSS:\s+(\d+) kB', Path('/proc/self/status').read_text())
    assert held is not None
    assert float(played[0]['memory (MB)']) == pytest.approx(int(held.group(1)) * 1024 / 1e6, rel=0.2)
