"""``colcon test`` on a robot that is set up as the README says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXTRAS = (
    'h5py',
    'hypothesis',
    'lz4',
    'matplotlib',
    'mcap',
    'mcap_ros2',
    'mypy',
    'onnx',
    'onnxruntime',
    'onnxscript',
    'openvino',
    'pillow_heif',
    'playwright',
    'pycocotools',
    'rosbags',
    'tensorboard',
    'tensorrt',
    'tensorrt_rtx',
    'torch_tensorrt',
)
"""What neither rosdep installs there nor pip, by their names in Python."""

WITHOUT_EXTRAS = """
import sys
from importlib.machinery import PathFinder
import pytest

class Finder(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition('.')[0] in {extras} else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Finder
sys.exit(pytest.main(sys.argv[1:]))
"""


@pytest.mark.parametrize('folder', ['test', 'test/bag', 'test/training'])
def test_every_test_is_collected_or_skips_where_the_extras_are_missing(folder):
    """One module that cannot be imported ends the whole run of ``colcon test`` before its first test; and a folder that
    needs an extra can be named alone."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get('PYTHONPATH')]))
    environment = {**os.environ, 'PYTHONPATH': path, 'PYTEST_DISABLE_PLUGIN_AUTOLOAD': '1'}
    collected = subprocess.run(
        [
            sys.executable,
            '-c',
            WITHOUT_EXTRAS.format(extras=EXTRAS),
            '--collect-only',
            '-q',
            '-p',
            'no:cacheprovider',
            folder,
        ],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    none = pytest.ExitCode.NO_TESTS_COLLECTED if folder == 'test/bag' else pytest.ExitCode.OK
    assert collected.returncode == none, (collected.stdout + collected.stderr)[-3000:]
