"""The C++ example compiles against our messages and hears the node."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
pytest.importorskip('vision_msgs', reason='vision_msgs is not installed here')
pytest.importorskip('mpn_ros.msg', reason='the messages of mpn_ros are not built here')

pytestmark = pytest.mark.ros

SOURCE = Path(__file__).resolve().parents[2] / 'examples' / 'cpp'


@pytest.fixture
def environment() -> dict[str, str]:
    """Where CMake finds ROS 2: what is sourced, or the wheels in the environment of this Python."""
    path = {
        name: os.pathsep.join(filter(None, [os.environ.get(name), sys.prefix]))
        for name in ('AMENT_PREFIX_PATH', 'CMAKE_PREFIX_PATH')
    }
    return {**os.environ, **path}


@pytest.fixture
def program(tmp_path, environment) -> Path:
    """The example, built."""
    if shutil.which('cmake') is None or shutil.which('c++') is None:
        pytest.skip('cmake and a C++ compiler are not installed here')
    for command in (['cmake', '-S', str(SOURCE), '-B', str(tmp_path)], ['cmake', '--build', str(tmp_path)]):
        built = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert built.returncode == 0, built.stdout + built.stderr
    return tmp_path / 'skeleton_listener'


def test_the_listener_says_who_is_there(robot, ros_domain, program, environment, until):
    log = program.with_name('log')
    robot.start()
    process = subprocess.Popen(
        [program], env={**environment, 'ROS_DOMAIN_ID': str(ros_domain)}, stdout=log.open('w'), stderr=subprocess.STDOUT
    )
    try:
        send = robot.camera()
        until(lambda: (send(200), 'people' in log.read_text())[1])
        process.terminate()
        assert process.wait(60) == 0
    finally:
        process.kill()
    assert "1 people in 'camera_optical_frame'; 1: (3.000000, 4.000000) (3.000000, 4.000000)" in log.read_text()
