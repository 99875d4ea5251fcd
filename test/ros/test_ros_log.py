"""The library's log in the node's, through the real logger of rclpy."""

from __future__ import annotations

import logging

import pytest

pytest.importorskip('rclpy', reason='ROS 2 is not installed here')

from rclpy.logging import get_logger  # noqa: E402

from mpn_ros.ros.ros_log import RosLog  # noqa: E402

pytestmark = pytest.mark.ros


@pytest.fixture
def library() -> logging.Logger:
    """A logger as the library's, whose handler is a ``RosLog``."""
    log = logging.Logger('library')
    log.addHandler(RosLog(get_logger('pose')))
    return log


def test_every_record_keeps_its_severity(library, capfd):
    for severity in ('info', 'warning', 'error', 'critical', 'info'):
        getattr(library, severity)('this is %s', severity)
    lines = capfd.readouterr().err.splitlines()
    assert [(line.split()[0], line.split('this is ')[1]) for line in lines] == [
        ('[INFO]', 'info'),
        ('[WARN]', 'warning'),
        ('[ERROR]', 'error'),
        ('[FATAL]', 'critical'),
        ('[INFO]', 'info'),
    ]
    assert all('[pose]' in line for line in lines)


def test_a_record_that_cannot_be_told_does_not_fail_who_logs_it(library, capfd):
    library.warning('%d people', 'many')
    assert '%d people' in capfd.readouterr().err
