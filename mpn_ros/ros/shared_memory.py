"""What processes that were killed leave of Fast DDS's shared memory: with the profile for large images 34 MiB each,
until the machine is started anew, unless someone removes it (``fastdds shm clean`` does, where it is installed)."""

from __future__ import annotations

import fcntl
import os
import re
import time
from contextlib import suppress
from pathlib import Path

FOLDER = Path('/dev/shm')
SEGMENT = re.compile(r'(fastdds|fastrtps)_[0-9a-f]{16}')
"""The memory of one participant, in Fast DDS 3 and 2. Its owner holds the lock of the file of this name with ``_el`` as
long as it lives; the system takes the lock back when the process ends, however it ends."""
AGE = 1.
"""Seconds for which a lock is left alone: its owner makes the file first and takes the lock then."""


def sweep(folder: Path = FOLDER) -> int:
    """Removes the segments whose owner is dead and answers how many bytes that gives back. Those of another user,
    which may not be removed, stay."""
    freed = 0
    for segment in folder.glob('fast*'):
        if SEGMENT.fullmatch(segment.name):
            with suppress(OSError):  # held, of another user, or just removed by another process
                freed += _remove_dead(segment)
    return freed


def _remove_dead(segment: Path) -> int:
    """Raises OSError if the owner lives."""
    lock = segment.with_name(f'{segment.name}_el')
    descriptor = os.open(lock, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        if time.time() - os.fstat(descriptor).st_mtime < AGE:
            return 0
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        size = segment.stat().st_size
        segment.unlink()
        lock.unlink()
        return size
    finally:
        os.close(descriptor)
