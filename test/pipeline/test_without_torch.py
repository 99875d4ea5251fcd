"""What runs on a CPU, once its graph is in the cache, starts without torch and scipy: they take seconds to load."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from mpn_ros.cli import main

ROOT = Path(__file__).resolve().parents[2]
SLOW = {'torch', 'scipy'}
OPTIONS = ['--input-size', '64', '--device', 'cpu', '--backend', 'auto']


def loaded_by(program: str, *arguments: str) -> set[str]:
    """Which slow packages a new interpreter has loaded at the end of ``program``."""
    program += f'\nimport sys\nprint("loaded:", *({SLOW} & set(sys.modules)))'
    ended = subprocess.run(
        [sys.executable, '-c', program, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert ended.returncode == 0, ended.stderr
    return set(ended.stdout.splitlines()[-1].split()[1:])


@pytest.fixture
def picture(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A picture, and a cache that holds what its network needs."""
    pytest.importorskip('openvino', reason='openvino is an extra and is not installed')
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    path = tmp_path / 'picture.png'
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8))
    assert main(['warm', '--size', '64x48', *OPTIONS]) == 0
    return path


def test_a_picture_is_answered_without_them(picture: Path, tmp_path: Path) -> None:
    program = 'import sys\nfrom mpn_ros.cli import main\nassert main(sys.argv[1:]) == 0'
    assert not loaded_by(program, 'infer', str(picture), '--out', str(tmp_path / 'out'), *OPTIONS)
    assert (tmp_path / 'out' / 'picture.json').is_file()
    # The same with a backend of torch, to show that it would be seen.
    assert 'torch' in loaded_by(program, 'infer', str(picture), '--out', str(tmp_path), *OPTIONS, '--backend', 'eager')


def test_a_dataset_is_measured_without_torch(picture: Path, small_dataset: Any, tmp_path: Path) -> None:
    pytest.importorskip('pycocotools', reason='evaluation needs pycocotools: pip install pycocotools')
    program = 'import sys\nfrom mpn_ros.cli import main\nassert main(sys.argv[1:]) == 0'
    where = ['--images', str(small_dataset.images), '--annotations', str(small_dataset.annotations)]
    assert 'torch' not in loaded_by(program, 'eval', *where, '--json', str(tmp_path / 'figures.json'), *OPTIONS)
    assert (tmp_path / 'figures.json').is_file()


@pytest.mark.parametrize('module', ['bag.convert', 'commands.bag', 'commands.view', 'ros.node', 'ros.view_node'])
def test_neither_recordings_nor_the_nodes_load_them(module: str) -> None:
    if module.startswith('ros.'):
        pytest.importorskip('rclpy', reason='rclpy is not installed here')
    if module.startswith('bag.'):
        pytest.importorskip('rosbags', reason='rosbags is not installed here')
    assert not loaded_by(f'import mpn_ros.{module}, mpn_ros.pipeline.pipeline')
