"""pip build: messages and all through CMakeLists.txt where ROS 2 is importable, the library alone elsewhere.

With ROS 2, ``pip install --no-build-isolation .``; an isolated build sees no ROS and makes a pure Python wheel.
"""

from __future__ import annotations

import sys
from pathlib import Path

from setuptools import find_packages, setup

sys.path.insert(0, str(Path(__file__).resolve().parent / 'build_support'))
from ament_wheel import AmentBuildPy, CleanBuildPy, PlatformDistribution, ros_prefix  # noqa: E402

COMMANDS = {'console_scripts': ['mpn = mpn_ros.cli:main']}
PACKAGES = find_packages(include=['mpn_ros', 'mpn_ros.*'])
DATA = {'mpn_ros': ['py.typed'], 'mpn_ros.view': ['page/*']}

if ros_prefix():
    setup(packages=PACKAGES, distclass=PlatformDistribution, cmdclass={'build_py': AmentBuildPy}, entry_points=COMMANDS)
else:
    setup(
        packages=PACKAGES,
        package_data=DATA,
        cmdclass={'build_py': CleanBuildPy},
        entry_points=COMMANDS,
        data_files=[
            (f'share/mpn_ros/{folder}', sorted(str(file) for file in Path(folder).iterdir()))
            for folder in ('models', 'msg', 'compat/vision_msgs/msg')
        ],
    )
