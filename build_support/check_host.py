"""Says in one sentence what this machine lacks to build the messages and run the ROS 2 wheels, if anything."""

from __future__ import annotations

import importlib.util
import os
import platform
import shlex
import shutil
import sys
import sysconfig
from pathlib import Path


def missing() -> str | None:
    """The first thing that is missing, or None."""
    version = platform.python_version()
    headers = Path(sysconfig.get_path('include'))
    if not (3, 10) <= sys.version_info[:2] <= (3, 13):
        return (
            f'Python 3.10 to 3.13 is needed and {sys.executable} is {version}: '
            'name another one, make PYTHON=python3.11.'
        )
    if (sys.platform, platform.machine()) != ('linux', 'x86_64'):
        return (
            f'the ROS 2 wheels are for Linux on x86_64 and this is {platform.system()} on {platform.machine()}: '
            'build in a ROS 2 installation with colcon instead.'
        )
    if importlib.util.find_spec('ensurepip') is None:
        return (
            f'Python {version} cannot make virtual environments: install its venv package (apt install python3-venv).'
        )
    for variable, command in (('CC', 'cc'), ('CXX', 'c++')):
        if shutil.which(shlex.split(os.environ.get(variable, command))[0]) is None:
            return (
                f'the messages are compiled and there is no {command}: '
                'install a C and C++ compiler (apt install build-essential).'
            )
    if not (headers / 'Python.h').is_file():
        return (
            f'the messages are compiled against Python and {headers} has no Python.h: '
            'install it (apt install python3-dev).'
        )
    return None


if __name__ == '__main__':
    sys.exit(missing())
