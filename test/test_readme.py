"""The README keeps its word: its example runs as printed, and its tables are complete."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from mpn_ros.cli import COMMANDS

ROOT = Path(__file__).parents[1]
README = (ROOT / 'README.md').read_text(encoding='utf-8')
EXAMPLE = re.search(r'```python\n(.*?)```', README, re.DOTALL).group(1)
DATA = Path(os.environ.get('MPN_DATA', ROOT.parent / 'shared' / 'data'))
SKIER = DATA / 'coco' / 'dev' / 'images' / '000000000785.jpg'
SKIER_BOX = 280, 44, 499, 387

needs_weights = pytest.mark.skipif(not (ROOT / 'models' / 'lite.safetensors').is_file(),
                                   reason='models/lite.safetensors is not there')
needs_skier = pytest.mark.skipif(not SKIER.is_file(),
                                 reason=f'{SKIER} is not there; MPN_DATA names the folder of coco/dev/images')


def run_example(picture: Path, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    script = tmp_path / 'example.py'
    script.write_text(EXAMPLE, encoding='utf-8')
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get('PYTHONPATH')]))
    return subprocess.run([sys.executable, str(script), str(picture)], capture_output=True, text=True, timeout=300,
                          check=False, env={**os.environ, 'PYTHONPATH': path})


def test_the_example_has_ten_lines():
    assert len([line for line in EXAMPLE.splitlines() if line]) == 10


@needs_weights
def test_the_example_runs_on_any_picture(tmp_path):
    cv2.imwrite(str(tmp_path / 'sky.png'), np.full((120, 160, 3), (230, 200, 150), np.uint8))
    result = run_example(tmp_path / 'sky.png', tmp_path)
    assert result.returncode == 0, result.stderr
    assert re.fullmatch(r'people cover \d+\.\d% of the image', result.stdout.splitlines()[-1])


@needs_weights
@needs_skier
def test_the_example_finds_the_skier(tmp_path):
    result = run_example(SKIER, tmp_path)
    assert result.returncode == 0, result.stderr
    best, *_ = result.stdout.splitlines()
    box = [float(edge) for edge in re.match(r'person 0\.\d\d at \[(.*?)\]', best).group(1).split(',')]
    assert box == pytest.approx(SKIER_BOX, abs=30)
    assert {'left_shoulder', 'right_knee'} <= set(best.split())
    assert 3 < float(re.search(r'cover (.*)%', result.stdout).group(1)) < 25


@pytest.mark.parametrize('command', COMMANDS)
def test_every_command_is_named(command):
    assert f'| `mpn {command}' in README


def test_every_dependency_is_named_with_its_range():
    tomllib = pytest.importorskip('tomllib', reason='reading pyproject.toml needs Python 3.11')
    project = tomllib.loads((ROOT / 'pyproject.toml').read_text(encoding='utf-8'))['project']
    extras = project['optional-dependencies'].values()
    for requirement in [*project['dependencies'], *(requirement for extra in extras for requirement in extra)]:
        name, versions = re.fullmatch(r'([\w-]+)(.*)', requirement).groups()
        assert f'| `{name}` | {versions} |' in README, f'{requirement} is not in the table of dependencies'


@pytest.mark.parametrize('page', sorted(set(re.findall(r'`((?:docs|models|benchmarks)/[\w/.-]+)`', README))))
def test_every_page_that_it_points_to_exists(page):
    assert (ROOT / page).is_file()
