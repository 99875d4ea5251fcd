"""``make`` works in its own environment and on the Python that was asked for, whatever the shell around it has set."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parents[2] / 'Makefile'
QUESTIONS = """
environment: ; @env
environment_of_a_run: ; @$(subst $(VENV)/bin/python,env,$(RUN))
interpreter: $(INTERPRETER)
"""
HERE = f'{sys.version_info.major}.{sys.version_info.minor}'

pytestmark = pytest.mark.skipif(shutil.which('make') is None, reason='make is not installed')


def _make(folder: Path, *arguments: str, **variables: str) -> str:
    """What ``make`` prints in ``folder``, as from a shell of its own, with the questions as further targets."""
    (folder / 'questions.mk').write_text(QUESTIONS)
    outside = {name: value for name, value in os.environ.items() if not name.startswith(('MAKE', 'MFLAGS', 'PYTHON'))}
    run = subprocess.run(
        ['make', '--no-print-directory', '-f', MAKEFILE, '-f', 'questions.mk', *arguments],
        cwd=folder,
        text=True,
        check=True,
        capture_output=True,
        env=outside | variables,
    )
    return run.stdout


@pytest.mark.parametrize(
    'name',
    [
        'AMENT_PREFIX_PATH',
        'CMAKE_PREFIX_PATH',
        'LD_LIBRARY_PATH',
        'PYTHONPATH',
        'RMW_IMPLEMENTATION',
        'ROS_DISTRO',
        'ROS_LOCALHOST_ONLY',
    ],
)
def test_a_sourced_ros_is_not_mixed_in(name: str, tmp_path: Path) -> None:
    assert 'of/another/ros' not in _make(tmp_path, 'environment', **{name: 'of/another/ros'})


def test_caches_and_logs_stay_in_the_folder_and_pips_where_it_was(tmp_path: Path) -> None:
    outside = {'XDG_CACHE_HOME': '/home/me/cache'}
    assert f'XDG_CACHE_HOME={outside["XDG_CACHE_HOME"]}\n' in _make(tmp_path, 'environment', **outside)
    words = _make(tmp_path, 'environment_of_a_run', **outside)
    assert f'XDG_CACHE_HOME={tmp_path}/.venv/cache\n' in words
    assert f'ROS_LOG_DIR={tmp_path}/.venv/log\n' in words


@pytest.mark.parametrize(
    ('made_with', 'asked', 'anew'),
    [(None, None, True), (HERE, sys.executable, False), ('3.1', sys.executable, True), ('3.1', None, False)],
)
def test_another_python_makes_the_environment_anew(
    made_with: str | None, asked: str | None, anew: bool, tmp_path: Path
) -> None:
    if made_with:
        stamp = tmp_path / '.venv' / '.done' / f'python{made_with}'
        stamp.parent.mkdir(parents=True)
        stamp.touch()
    steps = _make(tmp_path, '--dry-run', 'interpreter', *([f'PYTHON={asked}'] if asked else []))
    assert ('-m venv --clear' in steps) == anew
