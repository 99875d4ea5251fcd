"""The sources themselves: ruff and its formatter, mypy, shellcheck and codespell, in the versions of
requirements/test.txt, find nothing, nor does ament_cpplint where it is."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def judged(*command: str) -> None:
    """Fails with all that the command has to say."""
    verdict = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr


def module(name: str) -> str:
    if importlib.util.find_spec(name) is None:
        pytest.skip(f'{name} is not installed here: pip install -r requirements/test.txt')
    return name


def test_ruff_finds_nothing():
    judged(sys.executable, '-m', module('ruff'), 'check', '--no-cache', '.')


def test_ruff_has_formatted_every_file():
    judged(sys.executable, '-m', module('ruff'), 'format', '--check', '--no-cache', '.')


def test_mypy_finds_nothing():
    judged(sys.executable, '-m', module('mypy'))


def test_codespell_finds_nothing():
    files = [path for path in ROOT.iterdir() if path.suffix in ('.md', '.toml', '.cff', '.yml', '.xml')]
    folders = [
        'benchmarks',
        'build_support',
        'config',
        'docs',
        'examples',
        'launch',
        'models',
        'mpn_ros',
        'msg',
        'scripts',
        'test',
    ]
    judged(sys.executable, '-m', module('codespell_lib'), *folders, *map(str, files))


def test_shellcheck_finds_nothing():
    shellcheck = shutil.which('shellcheck', path=Path(sys.executable).parent) or shutil.which('shellcheck')
    if shellcheck is None:
        pytest.skip('shellcheck is not installed here: pip install -r requirements/test.txt')
    folders = [ROOT / name for name in ('.ci', 'scripts', 'benchmarks', 'build_support')]
    scripts = [path for folder in folders for path in folder.iterdir() if path.is_file() and is_shell(path)]
    assert scripts, 'there is a script in .ci at least'
    judged(shellcheck, *map(str, scripts))


def test_ament_cpplint_finds_nothing_in_the_example():
    """Of ament's linters the one whose demands this project shares, but for the order of includes and the header."""
    if shutil.which('ament_cpplint') is None:
        pytest.skip('ament_cpplint is not installed here; it is part of ROS 2')
    judged('ament_cpplint', '--linelength=120', '--filters=-legal/copyright,-build/include_order', 'examples/cpp')


def is_shell(path: Path) -> bool:
    with path.open('rb') as file:
        line = file.readline(80)
    return path.suffix == '.sh' or (line.startswith(b'#!') and (b'bash' in line or b'/sh' in line))
