"""The process: exit codes, signals at every stage, sentences instead of tracebacks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
pytest.importorskip('vision_msgs', reason='vision_msgs is not installed here')
pytest.importorskip('mpn_ros.msg', reason='the messages of mpn_ros are not built here')

from mpn_ros.ros.shared_memory import AGE, SEGMENT

pytestmark = pytest.mark.ros

ROOT = Path(__file__).resolve().parents[2]
END = 60
"""Seconds for the end of a process, on a busy machine; what holds one that does not end lasts an hour."""

# The node's own process, with a pipeline that takes as long to load as the test says.
PROGRAM = """
import sys, time
from types import SimpleNamespace
import mpn_ros.ros.pipeline as pipeline
def load(parameters):
    print('loading', file=sys.stderr, flush=True)
    time.sleep(float(sys.argv.pop(1)))
    return SimpleNamespace(max_batch_size=1, thread_affine=True, default_refine=4, segments=True, warm=lambda: None)

pipeline.load_pipeline, pipeline.pipeline_info = load, lambda _: {{}}
{fault}
import mpn_ros.ros.pose_node as pose_node
make, pose_node._Signals = pose_node._Signals, lambda: (make(), print('starting', file=sys.stderr, flush=True))[0]
pose_node.main()
"""


@pytest.fixture
def start(tmp_path) -> Iterator[Callable[..., tuple[subprocess.Popen, Callable[[str], str]]]]:
    processes = []

    def run(*arguments: str, loading: float = 0.0, fault: str = ''):
        log = tmp_path / f'log{len(processes)}'
        environment = {key: value for key, value in os.environ.items() if key != '_ROS_WHEELS_BOOTSTRAP_COMPLETE'}
        command = [
            sys.executable,
            '-c',
            PROGRAM.format(fault=fault),
            str(loading),
            '--ros-args',
            '-p',
            'use_cv_bridge:=false',
            *arguments,
        ]
        process = subprocess.Popen(command, cwd=ROOT, stderr=log.open('w'), env=environment)
        processes.append(process)

        def said(words: str) -> str:
            end = time.monotonic() + 60
            while words not in log.read_text():
                assert time.monotonic() < end, f'the node never said {words!r}: {log.read_text()}'
                time.sleep(0.01)
            return log.read_text()

        return process, said

    yield run
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.parametrize('stage', ['starting', 'loading', 'configured'])
@pytest.mark.parametrize('signals', [(signal.SIGTERM,), (signal.SIGINT, signal.SIGTERM, signal.SIGINT)])
def test_signals_end_it_with_zero(start, stage, signals):
    process, said = start(loading=0.5)
    said(stage)
    for number in signals:
        process.send_signal(number)
        time.sleep(0.05)
    assert process.wait(END) == 0


def segments(process) -> list[Path]:
    """The shared memory that a process has made for the middleware."""
    locks = []
    for entry in Path(f'/proc/{process.pid}/fd').iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            locks.append(Path(os.readlink(entry)))
    return [
        lock.with_name(lock.name.removesuffix('_el'))
        for lock in locks
        if lock.name.endswith('_el') and SEGMENT.fullmatch(lock.name.removesuffix('_el'))
    ]


def held(process) -> list[Path]:
    made = segments(process)
    if not made:
        pytest.skip('this middleware makes no shared memory of Fast DDS')
    assert any(path.stat().st_size > 2**25 for path in made)
    return made


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_shared_memory_is_given_back(start, large_images, number):
    process, said = start(fault='import mpn_ros.ros.pose_node; mpn_ros.ros.pose_node.GRACE = 60.')
    said('configured')
    made = held(process)
    process.send_signal(number)
    assert process.wait(END) == 0
    assert not [path for path in made if path.exists()]


def test_shared_memory_of_a_killed_node_is_told_by_the_next_and_left_alone(start, large_images):
    killed, said = start()
    said('configured')
    made = held(killed)
    killed.kill()
    killed.wait()
    time.sleep(AGE)
    other, said = start()
    assert "'fastdds shm clean' removes them" in said('MiB of shared memory')
    assert all(path.exists() for path in made), 'it belongs to another process'
    for path in made:
        path.unlink()
        path.with_name(f'{path.name}_el').unlink(missing_ok=True)


def test_a_long_load_does_not_outlive_a_signal(start):
    process, said = start(loading=3600.0)
    said('loading')
    process.send_signal(signal.SIGINT)
    assert process.wait(END) == 0


@pytest.mark.parametrize(
    'arguments, says',
    [
        (('-p', 'person_threshold:=7.0'), "parameter 'person_threshold' must be 0 to 1"),
        (('-p', 'person_threshold:=1'), 'with a decimal point (1.0, not 1), 0 to 1'),
        (('-p', 'max_people:=many'), "parameter 'max_people' must be"),
        (('-p', 'grouper:=best'), "parameter 'grouper' must be auto, prn, max, ucr"),
        (('--params-file', '/nowhere.yaml'), '/nowhere.yaml'),
    ],
)
def test_wrong_arguments_end_it_with_two_and_a_sentence(start, arguments, says):
    process, said = start(*arguments)
    assert process.wait(END) == 2
    assert 'Traceback' not in said(says)


def test_an_unforeseen_error_ends_it_with_one_and_is_told(start):
    process, said = start(
        '-p',
        'diagnostics_period:=0.1',
        fault="""
import mpn_ros.ros.node
def fail(self):
    raise ArithmeticError('unforeseen')
mpn_ros.ros.node.PoseNode._diagnose = fail
""",
    )
    assert process.wait(END) == 1
    assert 'ArithmeticError: unforeseen' in said('Traceback')


ANSWER = """
class Answer:
    max_batch_size, thread_affine, default_refine, segments = 1, True, 4, True
    def warm(self):
        pass
    def batch(self, images, orders, expected):
        {answer}
pipeline.load_pipeline = lambda parameters: Answer()
"""


@pytest.mark.parametrize(
    'limit, answer, says',
    [
        (60.0, "raise RuntimeError('CUDA error: device-side assert triggered')", 'the device is lost: CUDA error'),
        (0.5, 'time.sleep(3600)', 'the network has worked on one image for more than 0.5 s'),
    ],
)
def test_what_only_a_new_process_can_mend_ends_it_with_three(
    start, robot, monkeypatch, ros_domain, limit, answer, says
):
    monkeypatch.setenv('ROS_DOMAIN_ID', str(ros_domain))
    process, said = start('-p', f'inference_timeout:={limit}', fault=ANSWER.format(answer=answer))
    said('configured')
    send = robot.camera()
    while process.poll() is None:
        send()
        time.sleep(0.1)
    assert process.returncode == 3 and 'FATAL' in said(says)
