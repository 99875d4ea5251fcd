"""``scripts/demo.py`` end to end, and where it must fail: one sentence and a status, never a picture of nothing."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
pytest.importorskip('vision_msgs', reason='vision_msgs is not installed here')
pytest.importorskip('mpn_ros.msg', reason='the messages of mpn_ros are not built here')

pytestmark = pytest.mark.ros

ROOT = Path(__file__).resolve().parents[2]


def start(*arguments: str | Path) -> subprocess.Popen:
    """The demo in a process group of its own, as a terminal has it."""
    environment = {**os.environ, 'PYTHONPATH': os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')])}
    return subprocess.Popen(
        [sys.executable, ROOT / 'scripts' / 'demo.py', *arguments],
        env=environment,
        cwd='/',
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def demo(*arguments: str | Path) -> tuple[int, str]:
    """Exit status and what was said on stderr."""
    process = start(*arguments)
    try:
        said = process.communicate(timeout=600)[1]
        return process.returncode, said
    finally:
        process.kill()


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


def test_the_clip_is_taken_out_of_its_wheel_whatever_else_lies_there(tmp_path, clip, monkeypatch):
    shelf, out = tmp_path / 'shelf', tmp_path / 'out'
    shelf.mkdir()
    out.mkdir()
    with zipfile.ZipFile(shelf / 'pose2sim-0.10.49-py3-none-any.whl', 'w') as wheel:
        wheel.write(clip, 'Pose2Sim/Demo_MultiPerson/videos/cam01.mp4')
        wheel.writestr(
            'pose2sim-0.10.49.dist-info/METADATA', 'Metadata-Version: 2.1\nName: pose2sim\nVersion: 0.10.49\n'
        )
        wheel.writestr('pose2sim-0.10.49.dist-info/WHEEL', 'Wheel-Version: 1.0\nTag: py3-none-any\n')
    (out / 'other-1.0-py3-none-any.whl').write_text('another wheel')
    monkeypatch.setenv('PIP_NO_INDEX', '1')
    monkeypatch.setenv('PIP_FIND_LINKS', str(shelf))
    status, said = demo('--out', out, '--weights', '/nowhere.safetensors')
    assert status == 1 and '/nowhere.safetensors' in said.splitlines()[-1], said
    assert (out / 'cam01.mp4').read_bytes() == clip.read_bytes()
    assert sorted(path.name for path in out.iterdir()) == ['cam01.mp4', 'node.log', 'other-1.0-py3-none-any.whl']


@pytest.fixture
def weights(tmp_path) -> Path:
    """Weights that know nothing: they find nobody."""
    from mpn_ros.network.multiposenet import MultiPoseNet
    from mpn_ros.network.prn import PoseResidualNetwork
    from mpn_ros.presets import preset
    from mpn_ros.weights import save_weights

    lite = dataclasses.replace(preset('lite'), input_size=64)
    path = tmp_path / 'random.safetensors'
    save_weights(
        path, lite, {'network': MultiPoseNet(lite).state_dict(), 'prn': PoseResidualNetwork(lite.prn, 17).state_dict()}
    )
    return path


def test_a_clip_in_which_nobody_is_found_is_measured_and_told(tmp_path, clip, weights):
    status, said = demo('--clip', clip, '--out', tmp_path, '--weights', weights)
    assert status == 1 and said.splitlines()[-1] == f'demo: nobody was found in {clip}' and 'Traceback' not in said
    summary = json.loads((tmp_path / 'summary.json').read_text())
    assert summary['frames_sent'] == 3 and 1 <= summary['frames_answered'] <= 3
    assert summary['people_max'] == summary['people_mean'] == 0
    assert 0 < summary['latency_ms']['p50'] <= summary['latency_ms']['p95'] <= summary['latency_ms']['p99']
    assert summary['fps'] > 0 and summary['camera_hz'] > 0
    assert summary['weights'] == 'random.safetensors' and summary['backend']
    assert cv2.imread(str(tmp_path / 'overlay.png')).shape == (48, 64, 3)
    assert cv2.VideoCapture(str(tmp_path / 'overlay.mp4')).get(cv2.CAP_PROP_FRAME_COUNT) == 3


def processes_with(word: str) -> list[str]:
    """The command lines of all processes that were started with ``word`` among their arguments."""
    found = []
    for path in Path('/proc').glob('[0-9]*/cmdline'):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            found.append(path.read_bytes().replace(b'\0', b' ').decode(errors='replace'))
    return [line for line in found if word in line]


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_demo_and_its_node(tmp_path, clip, weights, number):
    process = start('--clip', clip, '--out', tmp_path, '--weights', weights)
    try:
        assert 'starting the node' in process.stdout.readline()
        assert any('pose_node' in line for line in processes_with(str(weights)))
        if number == signal.SIGINT:
            os.killpg(process.pid, number)  # a terminal sends it to all
        else:
            process.send_signal(number)
        said = process.communicate(timeout=60)[1]
    finally:
        process.kill()
    assert process.returncode == 130 and said.splitlines()[-1] == 'demo: interrupted' and 'Traceback' not in said
    assert not processes_with(str(weights))
