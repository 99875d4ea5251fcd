"""Segments whose owner is dead are counted, and nothing is touched."""

from __future__ import annotations

import fcntl
import os

import pytest

from mpn_ros.ros.shared_memory import Orphans, find_orphans, profiles_variable

HOUR = 3600


def make(folder, name: str, age: float = HOUR):
    """A segment and its lock, so many seconds old."""
    (folder / name).write_bytes(bytes(1000))
    lock = folder / f'{name}_el'
    lock.touch()
    then = lock.stat().st_mtime - age
    os.utime(lock, (then, then))
    return lock


@pytest.fixture(autouse=True)
def _nothing_is_removed(tmp_path):
    yield
    assert all(path.with_name(path.name.removesuffix('_el')).exists() for path in tmp_path.iterdir())


def test_the_segments_of_the_dead_are_counted(tmp_path):
    make(tmp_path, 'fastdds_0123456789abcdef')
    make(tmp_path, 'fastrtps_fedcba9876543210')
    assert find_orphans(tmp_path) == (2, 2000) == find_orphans(tmp_path)


def test_the_segments_of_the_living_are_not(tmp_path):
    lock = make(tmp_path, 'fastdds_0123456789abcdef')
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert find_orphans(tmp_path) == (0, 0)
    assert find_orphans(tmp_path) == (1, 1000)


def test_looking_takes_no_lock_away(tmp_path):
    lock = make(tmp_path, 'fastdds_0123456789abcdef')
    find_orphans(tmp_path)
    with lock.open() as owner:
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_lock_that_was_just_made_may_still_be_taken(tmp_path):
    make(tmp_path, 'fastdds_0123456789abcdef', age=0)
    assert find_orphans(tmp_path) == (0, 0)


def test_what_is_not_known_to_be_dead_is_not_counted(tmp_path):
    make(tmp_path, 'fastdds_port7411')
    make(tmp_path, 'fastdds_0123456789abcdef0')
    make(tmp_path, 'fast_0123456789abcdef')
    (tmp_path / 'fastdds_0123456789abcdef').write_bytes(bytes(1000))
    assert find_orphans(tmp_path) == (0, 0)


def test_a_link_is_not_followed(tmp_path):
    elsewhere = make(tmp_path, 'elsewhere')
    (tmp_path / 'fastdds_0123456789abcdef').write_bytes(bytes(1000))
    (tmp_path / 'fastdds_0123456789abcdef_el').symlink_to(elsewhere)
    assert find_orphans(tmp_path) == (0, 0)


@pytest.mark.parametrize(
    'distribution, name',
    [
        ('humble', 'FASTRTPS_DEFAULT_PROFILES_FILE'),
        ('jazzy', 'FASTRTPS_DEFAULT_PROFILES_FILE'),
        ('kilted', 'FASTDDS_DEFAULT_PROFILES_FILE'),
        ('', 'FASTDDS_DEFAULT_PROFILES_FILE'),
    ],
)
def test_the_profile_has_the_name_that_fast_dds_reads(monkeypatch, distribution, name):
    monkeypatch.setenv('ROS_DISTRO', distribution)
    assert profiles_variable() == name


def test_no_shared_memory_no_harm(tmp_path):
    assert find_orphans(tmp_path / 'nowhere') == (0, 0)


def test_the_warning_counts_them_and_names_the_tool():
    warning = Orphans(3, 102 * 2**20).warning
    assert '102 MiB' in warning and 'segments: 3' in warning and "'fastdds shm clean'" in warning
