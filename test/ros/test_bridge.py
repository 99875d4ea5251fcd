"""cv_bridge is tried in a child first, because a broken one ends the process that imports it."""

from __future__ import annotations

import sys

import pytest

from mpn_ros.ros.bridge import probe_cv_bridge

pytest.importorskip('sensor_msgs', reason='ROS 2 is not installed here')

pytestmark = pytest.mark.ros

WORKS = """
import numpy
class CvBridge:
    def imgmsg_to_cv2(self, message, encoding):
        rows = numpy.frombuffer(message.data, '<u2').reshape(message.height, message.width)
        return numpy.dstack([numpy.round(rows / 257).astype(numpy.uint8)] * 3)
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    def run(source: str) -> None:
        (tmp_path / 'cv_bridge.py').write_text(source)
        monkeypatch.setenv('PYTHONPATH', str(tmp_path), prepend=':')
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, 'cv_bridge', raising=False)

    return run


def test_one_that_works_is_used(install):
    install(WORKS)
    bridge, sentence = probe_cv_bridge()
    assert type(bridge).__name__ == 'CvBridge' and 'converts' in sentence
    sys.modules.pop('cv_bridge')


@pytest.mark.parametrize(
    'source, reason',
    [
        ('import os; os.kill(os.getpid(), 11)', '-11'),
        ('raise ImportError("numpy.core.multiarray failed to import")', 'multiarray'),
        (WORKS.replace('rows / 257', 'rows / 256'), 'AssertionError'),
    ],
    ids=['crashes', 'raises', 'wrong picture'],
)
def test_one_that_does_not_is_left_alone(install, source, reason):
    install(source)
    bridge, sentence = probe_cv_bridge()
    assert bridge is None and reason in sentence and 'cv_bridge' not in sys.modules


def test_none_is_no_fault(monkeypatch):
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    assert probe_cv_bridge() == (None, 'cv_bridge is not installed: our own decoder converts all images')
