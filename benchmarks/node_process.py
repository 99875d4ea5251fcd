"""The node in a process of its own, as a robot runs it, for the benchmarks that watch what it takes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
END = 10.0
"""Seconds that the node may take to end."""


@contextmanager
def node_process(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """The node with these ``arguments`` of ROS; it ends with SIGINT, or is killed where the caller fails. Ends this
    program with a sentence if the node ends with another status than 0."""
    process = subprocess.Popen([sys.executable, '-m', 'mpn_ros.ros.pose_node', '--ros-args', *arguments], cwd=ROOT)
    try:
        yield process
        process.send_signal(signal.SIGINT)
        process.wait(END)
        check(process)
    finally:
        process.kill()
        process.wait()


def refine_argument(windows: int | None) -> list[str]:
    """What tells the node how many windows its second look has at most; nothing where it decides."""
    return [] if windows is None else ['-p', f'refine:={windows}']


def check(process: subprocess.Popen[bytes]) -> None:
    """Ends this program with a sentence if the node has ended with another status than 0."""
    if process.poll():
        sys.exit(f'the node ended with status {process.returncode}')


def resident_memory(process: int) -> float:
    """MiB that the process of that id holds."""
    pages = int((Path('/proc') / str(process) / 'statm').read_text().split()[1])
    return pages * os.sysconf('SC_PAGESIZE') / 2**20


def private_memory(process: int) -> float:
    """MiB of it that are in no file, which the system cannot take back while others want memory."""
    status = (Path('/proc') / str(process) / 'status').read_text()
    return int(status.partition('RssAnon:')[2].split()[0]) / 2**10
