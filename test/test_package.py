"""``from mpn_ros import ...`` gives the classes of the library, and loads what they need only then."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import mpn_ros

ROOT = Path(__file__).resolve().parents[1]
HEAVY = {'cv2', 'scipy', 'torch'}


def loaded(program: str) -> set[str]:
    """The heavy libraries that a program loads, in a process of its own, for this one may have them already."""
    program += f'; import sys; print(*{HEAVY} & set(sys.modules))'
    result = subprocess.run([sys.executable, '-c', program], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return set(result.stdout.split())


@pytest.mark.parametrize(
    'program, libraries',
    [
        ('import mpn_ros', set()),
        ('from mpn_ros import COCO', set()),
        ('from mpn_ros import Tracker', set()),
        ('from mpn_ros import PosePipeline', {'cv2'}),
    ],
)
def test_a_name_loads_what_it_needs(program, libraries):
    assert loaded(program) == libraries


def test_the_messages_load_nothing_heavy():
    pytest.importorskip('mpn_ros.msg', reason='the messages are not built: make setup, or colcon build')
    assert loaded('import mpn_ros.msg') == set()


@pytest.mark.parametrize('name', mpn_ros.__all__)
def test_every_name_is_there_and_listed(name):
    assert getattr(mpn_ros, name) is not None
    assert name in dir(mpn_ros)


def test_another_name_is_refused():
    with pytest.raises(AttributeError, match="'mpn_ros' has no attribute 'Pipeline'"):
        mpn_ros.Pipeline  # noqa: B018
    with pytest.raises(ImportError):
        from mpn_ros import Pipeline  # noqa: F401
