"""Only segments whose owner is dead are removed."""

from __future__ import annotations

import fcntl
import os

from mpn_ros.ros.shared_memory import sweep

HOUR = 3600


def make(folder, name: str, age: float = HOUR):
    """A segment and its lock, so many seconds old."""
    (folder / name).write_bytes(bytes(1000))
    lock = folder / f'{name}_el'
    lock.touch()
    then = lock.stat().st_mtime - age
    os.utime(lock, (then, then))
    return lock


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_segments_of_the_dead_go(tmp_path):
    make(tmp_path, 'fastdds_0123456789abcdef')
    make(tmp_path, 'fastrtps_fedcba9876543210')
    assert sweep(tmp_path) == 2000
    assert not names(tmp_path)


def test_the_segments_of_the_living_stay(tmp_path):
    lock = make(tmp_path, 'fastdds_0123456789abcdef')
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert sweep(tmp_path) == 0
        assert names(tmp_path) == ['fastdds_0123456789abcdef', 'fastdds_0123456789abcdef_el']
    assert sweep(tmp_path) == 1000


def test_a_lock_that_was_just_made_may_still_be_taken(tmp_path):
    make(tmp_path, 'fastdds_0123456789abcdef', age=0)
    assert sweep(tmp_path) == 0
    assert len(names(tmp_path)) == 2


def test_what_is_not_known_to_be_dead_stays(tmp_path):
    make(tmp_path, 'fastdds_port7411')
    make(tmp_path, 'fastdds_0123456789abcdef0')
    make(tmp_path, 'fast_0123456789abcdef')
    (tmp_path / 'fastdds_0123456789abcdef').write_bytes(bytes(1000))
    before = names(tmp_path)
    assert sweep(tmp_path) == 0
    assert names(tmp_path) == before


def test_a_link_is_not_followed(tmp_path):
    elsewhere = make(tmp_path, 'elsewhere')
    (tmp_path / 'fastdds_0123456789abcdef').write_bytes(bytes(1000))
    (tmp_path / 'fastdds_0123456789abcdef_el').symlink_to(elsewhere)
    assert sweep(tmp_path) == 0
    assert 'fastdds_0123456789abcdef' in names(tmp_path)


def test_no_shared_memory_no_harm(tmp_path):
    assert sweep(tmp_path / 'nowhere') == 0
