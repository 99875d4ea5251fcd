"""pip build of the stand-in; ``build_support`` is two levels up, so it builds from a checkout only."""

from __future__ import annotations

import sys
from pathlib import Path

from setuptools import setup

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'build_support'))
from ament_wheel import AmentBuildPy, PlatformDistribution  # noqa: E402

setup(
    name='vision_msgs',
    version='4.1.1',
    packages=[],
    distclass=PlatformDistribution,
    cmdclass={'build_py': AmentBuildPy},
)
