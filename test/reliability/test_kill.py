"""A process that is killed while it writes leaves nothing that breaks the next start."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mpn_ros.backends.cache import cache_folder, get_or_build

ROOT = Path(__file__).resolve().parents[2]

BUILD = """
import time
from mpn_ros.backends.cache import get_or_build

def build(folder):
    for n in range(1000):
        (folder / f'part{{n}}').write_bytes(bytes(1000))
        if n == int({stop}):
            print('here', flush=True)
            time.sleep(60)

get_or_build('openvino', ('key',), build)
"""


@pytest.mark.parametrize('stop', [0, 500, 999])
def test_killed_while_a_graph_is_kept(tmp_path, monkeypatch, stop):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    process = subprocess.Popen([sys.executable, '-c', BUILD.format(stop=stop)], cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b'here\n'
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not list(cache_folder().glob('openvino-*')), 'a half-written graph must not look like a whole one'

    def build(folder: Path) -> None:
        (folder / 'part0').write_text('whole')

    folder = get_or_build('openvino', ('key',), build)
    assert folder is not None and (folder / 'part0').read_text() == 'whole'


FULL = """
import resource, sys
from mpn_ros.backends.cache import get_or_build
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
built = []

def build(folder):
    built.append(folder)
    (folder / 'graph').write_bytes(bytes(5000))

print(get_or_build('openvino', ('key',), build), len(built))
"""


def test_a_full_disk_keeps_nothing_and_stops_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    done = subprocess.run([sys.executable, '-c', FULL], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == 'None 1\n' and 'compiled graphs are not kept' in done.stderr
    assert not list(cache_folder().iterdir())
