"""The README keeps its word: its example runs as printed, and its tables are complete."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest

from mpn_ros.cli import COMMANDS

ROOT = Path(__file__).parents[1]
README = (ROOT / 'README.md').read_text(encoding='utf-8')
EXAMPLE = re.search(r'```python\n(.*?)```', README, re.DOTALL).group(1)
SKIER = Path(os.environ.get('MPN_DATA', ''), 'coco/dev/images/000000000785.jpg')
SKIER_BOX = 280, 44, 499, 387


def run_example(picture: Path, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    script = tmp_path / 'example.py'
    script.write_text(EXAMPLE, encoding='utf-8')
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get('PYTHONPATH')]))
    return subprocess.run([sys.executable, str(script), str(picture)], capture_output=True, text=True, timeout=300,
                          check=False, env={**os.environ, 'PYTHONPATH': path})


def test_the_example_has_ten_lines():
    assert len([line for line in EXAMPLE.splitlines() if line]) == 10


def test_the_example_runs_on_any_picture(tmp_path):
    cv2.imwrite(str(tmp_path / 'sky.png'), np.full((120, 160, 3), (230, 200, 150), np.uint8))
    result = run_example(tmp_path / 'sky.png', tmp_path)
    assert result.returncode == 0, result.stderr
    assert re.fullmatch(r'people cover \d+\.\d% of the image', result.stdout.splitlines()[-1])


@pytest.mark.skipif(not SKIER.is_file(), reason=f'{SKIER} is not in the folder that MPN_DATA names')
def test_the_example_finds_the_skier(tmp_path):
    result = run_example(SKIER, tmp_path)
    assert result.returncode == 0, result.stderr
    best, *_ = result.stdout.splitlines()
    box = [float(edge) for edge in re.match(r'person [01]\.\d\d at \[(.*?)\]', best).group(1).split(',')]
    assert box == pytest.approx(SKIER_BOX, abs=30)
    assert {'left_shoulder', 'right_knee'} <= set(best.split())
    assert 3 < float(re.search(r'cover (.*)%', result.stdout).group(1)) < 25


@pytest.mark.parametrize('command', COMMANDS)
def test_every_command_is_named(command):
    assert f'| `mpn {command}' in README


def test_every_dependency_of_pip_is_named_with_its_range():
    tomllib = pytest.importorskip('tomllib', reason='reading pyproject.toml needs Python 3.11')
    project = tomllib.loads((ROOT / 'pyproject.toml').read_text(encoding='utf-8'))['project']
    extras = project['optional-dependencies'].values()
    for requirement in [*project['dependencies'], *(requirement for extra in extras for requirement in extra)]:
        name, versions = re.fullmatch(r'([\w-]+)(.*)', requirement).groups()
        assert f'| `{name}` | {versions} |' in README, f'{requirement} is not in the table of dependencies'


def test_every_dependency_of_rosdep_and_of_make_is_named():
    package = ElementTree.parse(ROOT / 'package.xml').getroot()
    names = {element.text.removeprefix('python3-') for element in package if element.tag.endswith('depend')}
    for path in set((ROOT / 'requirements').iterdir()) - {ROOT / 'requirements' / 'lock.txt'}:
        names |= set(re.findall(r'^(?!ros-)[\w-]+', path.read_text(encoding='utf-8'), re.MULTILINE))
    rows = re.findall(r'^\| (.*)', README.partition('## Dependencies')[2], re.MULTILINE)
    missing = {name for name in names if not any(re.search(rf'\b{name}\b', row) for row in rows)}
    assert not missing, f'{sorted(missing)} are not in the table of dependencies'


@pytest.mark.parametrize('page', sorted(set(re.findall(r'`((?:docs|models|benchmarks)/[\w/.-]+)`', README))))
def test_every_page_that_it_points_to_exists(page):
    assert (ROOT / page).is_file()
