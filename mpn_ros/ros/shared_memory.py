"""What processes that were killed leave of Fast DDS's shared memory: with the profile for large images 34 MiB each,
until the machine is started anew or ``fastdds shm clean`` removes it. It is not ours, so the node only counts it."""

from __future__ import annotations

import fcntl
import os
import re
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

FOLDER = Path('/dev/shm')
SEGMENT = re.compile(r'(fastdds|fastrtps)_[0-9a-f]{16}')
"""The memory of one participant, in Fast DDS 3 and 2. Its owner holds the lock of the file of this name with ``_el`` as
long as it lives; the system takes the lock back when the process ends, however it ends."""
FAST_DDS_2 = 'humble', 'iron', 'jazzy'
"""Distributions with Fast DDS 2; it is 3 since Kilted."""
AGE = 1.0
"""Seconds for which a lock is left alone: its owner makes the file first and takes the lock then."""


class Orphans(NamedTuple):
    """Segments whose owner is dead: how many, and their bytes."""

    segments: int = 0
    size: int = 0

    @property
    def warning(self) -> str:
        """A sentence for the log."""
        return (
            f'killed processes have left {self.size / 2**20:.0f} MiB of shared memory in {FOLDER}, segments: '
            f"{self.segments}; 'fastdds shm clean' removes them"
        )


def profiles_variable() -> str:
    """The environment variable by which the Fast DDS of this distribution is told its profiles."""
    return f'FAST{"RTPS" if os.environ.get("ROS_DISTRO") in FAST_DDS_2 else "DDS"}_DEFAULT_PROFILES_FILE'


def find_orphans(folder: Path = FOLDER) -> Orphans:
    """Counts the segments of Fast DDS whose owner is dead, without touching them."""
    sizes = []
    for segment in folder.glob('fast*'):
        if SEGMENT.fullmatch(segment.name):
            with suppress(OSError):  # held, of another user, or just removed by another process
                if _is_orphan(segment):
                    sizes.append(segment.stat().st_size)
    return Orphans(len(sizes), sum(sizes))


def _is_orphan(segment: Path) -> bool:
    """Raises OSError if the owner lives."""
    descriptor = os.open(segment.with_name(f'{segment.name}_el'), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        if time.time() - os.fstat(descriptor).st_mtime < AGE:
            return False
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)  # given back when it is closed
        return True
    finally:
        os.close(descriptor)
