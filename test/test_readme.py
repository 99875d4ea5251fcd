"""The README keeps its word: its example runs as printed, and its tables are complete."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from mpn_ros.cli import COMMANDS

ROOT = Path(__file__).parents[1]
README = (ROOT / 'README.md').read_text(encoding='utf-8')
SHORT, LONG = re.findall(r'```python\n(.*?)```', README, re.DOTALL)
SKIER = Path(os.environ.get('MPN_DATA', ''), 'coco/dev/images/000000000785.jpg')
SKIER_BOX = 280, 44, 499, 387


def run_example(example: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs it as printed, in a folder that has people.jpg."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get('PYTHONPATH')]))
    return subprocess.run(
        [sys.executable, '-c', example],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, 'PYTHONPATH': path},
    )


def test_the_first_example_has_five_lines():
    assert len(SHORT.splitlines()) == 5


def test_the_examples_run_on_a_picture_of_people(tmp_path):
    Image.open(ROOT / 'docs' / 'people.webp').convert('RGB').save(tmp_path / 'people.jpg')
    short, long = (run_example(example, tmp_path) for example in (SHORT, LONG))
    assert short.returncode == 0 and long.returncode == 0, short.stderr + long.stderr
    assert re.fullmatch(r'[1-9]\d* people on \d+% of the image', short.stdout.splitlines()[-1])
    *people, last = long.stdout.splitlines()
    assert people and all(re.match(r'person [01]\.\d\d at \[.*?\]: \w+', line) for line in people)
    assert re.fullmatch(r'people cover \d+\.\d% of the image', last)


@pytest.mark.skipif(not SKIER.is_file(), reason=f'{SKIER} is not in the folder that MPN_DATA names')
def test_the_example_finds_the_skier(tmp_path):
    shutil.copy(SKIER, tmp_path / 'people.jpg')
    result = run_example(LONG, tmp_path)
    assert result.returncode == 0, result.stderr
    best, *_ = result.stdout.splitlines()
    box = [float(edge) for edge in re.match(r'person [01]\.\d\d at \[(.*?)\]', best).group(1).split(',')]
    assert box == pytest.approx(SKIER_BOX, abs=30)
    assert {'left_shoulder', 'right_knee'} <= set(best.split())
    assert 3 < float(re.search(r'cover (.*)%', result.stdout).group(1)) < 25


@pytest.mark.parametrize('command', COMMANDS)
def test_every_command_is_named(command):
    assert f'| `mpn {command}' in README


def test_the_badges_are_true():
    """Pythons that pip would install on, and ROS 2 distributions that are named everywhere else."""
    project = (ROOT / 'pyproject.toml').read_text(encoding='utf-8')
    pythons = re.findall(r'Python :: (3\.\d+)', project)
    assert f"requires-python = '>={pythons[0]}'" in project
    badges = dict(re.findall(r'\[!\[(Python|ROS 2|License) (.*?)\]', README))
    assert badges == {'Python': f'{pythons[0]} to {pythons[-1]}', 'ROS 2': 'Jazzy and Kilted', 'License': 'Apache-2.0'}
    for name, value in badges.items():
        url = f'{name}-{value.replace("-", "--")}'.replace(' ', '%20')
        assert f'img.shields.io/badge/{url}-' in README


def test_the_picture_that_moves_is_small():
    (picture,) = re.findall(r'!\[[^\]]*\]\((docs/.*?)\)', README)
    assert (ROOT / picture).stat().st_size < 3_000_000
