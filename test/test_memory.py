"""What was freed goes back to the system; each case is a process of its own, whose heap nobody else has used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
COMMON = """
import ctypes, sys, threading
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
"""
FREED = """
from pathlib import Path
from mpn_ros.memory import return_freed_memory
def private():
    return int(Path('/proc/self/status').read_text().partition('RssAnon:')[2].split()[0]) / 1024
def block():
    address = libc.malloc(65536)
    ctypes.memset(address, 1, 65536)
    return address
before = private()
blocks = [block() for _ in range(1000)]
kept = block()  # above all of them: the heap cannot shrink
full = private()
for address in blocks:
    libc.free(address)
freed = private()
return_freed_memory()
print(full - before, freed - before, private() - before)
"""
THREAD = """
from mpn_ros.memory import share_heap
if sys.argv[1] == 'shared':
    share_heap()
thread = threading.Thread(target=lambda: [libc.malloc(1000) for _ in range(100)])
thread.start()
thread.join()
libc.malloc_stats()
"""

pytestmark = pytest.mark.skipif(sys.platform != 'linux', reason="it is glibc's memory")


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    ended = subprocess.run(
        [sys.executable, '-c', COMMON + program, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    return ended


def test_what_was_freed_below_what_is_held_goes_back() -> None:
    full, freed, returned = (float(number) for number in run(FREED).stdout.split())
    assert full > 60 and freed > 60  # MiB: by itself glibc keeps it
    assert returned < 5


def test_threads_share_one_heap_once_it_is_asked_for() -> None:
    assert 'Arena 1' in run(THREAD, 'own').stderr
    assert 'Arena 1' not in run(THREAD, 'shared').stderr
