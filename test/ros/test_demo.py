"""``scripts/demo.py`` where it must fail: one sentence and a status, never a picture of nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
pytest.importorskip('vision_msgs', reason='vision_msgs is not installed here')
pytest.importorskip('mpn_ros.msg', reason='the messages of mpn_ros are not built here')

pytestmark = pytest.mark.ros

ROOT = Path(__file__).resolve().parents[2]


def demo(*arguments: str | Path) -> tuple[int, str]:
    """Exit status and what was said on stderr."""
    environment = {**os.environ, 'PYTHONPATH': os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')])}
    done = subprocess.run([sys.executable, ROOT / 'scripts' / 'demo.py', *arguments], env=environment, cwd='/',
                          capture_output=True, text=True, timeout=120)
    return done.returncode, done.stderr


@pytest.fixture
def clip(tmp_path) -> Path:
    writer = cv2.VideoWriter(str(tmp_path / 'clip.mp4'), cv2.VideoWriter_fourcc(*'mp4v'), 30, (64, 48))
    for _ in range(3):
        writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    return tmp_path / 'clip.mp4'


def test_no_video(tmp_path):
    status, said = demo('--clip', ROOT / 'LICENSE', '--out', tmp_path)
    assert status == 1 and 'LICENSE' in said and 'Traceback' not in said


def test_a_node_that_cannot_start_says_why(tmp_path, clip):
    status, said = demo('--clip', clip, '--out', tmp_path, '--weights', '/nowhere.safetensors')
    assert status == 1 and '/nowhere.safetensors' in said and 'Traceback' not in said
    assert not (tmp_path / 'summary.json').exists()
