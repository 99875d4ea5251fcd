"""Lets pip build a ROS 2 package: runs the CMakeLists.txt that colcon runs and packs what it installs into a wheel.

Used by ``setup.py`` here and in ``compat/``; build time only, nothing of it is installed.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import Distribution
from setuptools.command.build_py import build_py
from setuptools.errors import SetupError


def ros_prefix() -> Path | None:
    """The prefix of the ROS 2 that can generate messages for this Python: a virtual environment with the ROS wheels or
    ``/opt/ros/<distro>``. None where the generator cannot be imported, as in an isolated build."""
    spec = importlib.util.find_spec('rosidl_generator_py')
    if spec is None or spec.origin is None:
        return None
    prefixes = (parent for parent in Path(spec.origin).parents if (parent / 'share' / 'ament_cmake').is_dir())
    return next(prefixes, None)


class PlatformDistribution(Distribution):
    """A distribution whose wheel is for one platform and one Python, because it holds compiled message support."""

    def has_ext_modules(self) -> bool:
        return True

    def has_pure_modules(self) -> bool:  # else build_py would not run for a package of messages alone
        return True


class CleanBuildPy(build_py):
    """Builds from an empty folder: setuptools would also pack modules that an earlier build left there."""

    def run(self) -> None:
        if self.editable_mode:
            raise SetupError(
                'an editable install cannot hold generated messages: use pip install . '
                'or colcon build --symlink-install'
            )
        shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()


class AmentBuildPy(CleanBuildPy):
    """Packs the CMake install tree: its Python package as the wheel's package, the rest (``share``, ``lib``,
    ``include``) as data files, which pip puts below the prefix as colcon does."""

    def run(self) -> None:
        super().run()
        work = Path(self.get_finalized_command('build').build_temp).resolve() / 'ament'
        self._install_with_cmake(work / 'build', work / 'stage')
        name = self.distribution.get_name()
        package = next((work / 'stage').glob(f'**/{name}/msg/__init__.py')).parents[1]
        shutil.copytree(
            package, Path(self.build_lib) / name, dirs_exist_ok=True, ignore=shutil.ignore_patterns('__pycache__')
        )
        self.distribution.data_files = _data_files(work / 'stage', package.parent)

    def _install_with_cmake(self, build: Path, stage: Path) -> None:
        shutil.rmtree(stage, ignore_errors=True)
        environment = dict(os.environ)
        for variable in ('AMENT_PREFIX_PATH', 'CMAKE_PREFIX_PATH'):
            paths = [str(ros_prefix()), *filter(None, environment.get(variable, '').split(os.pathsep))]
            environment[variable] = os.pathsep.join(dict.fromkeys(paths))
        generator = ['-G', 'Ninja'] if shutil.which('ninja') else []
        for step in (
            [
                'cmake',
                '-S',
                '.',
                '-B',
                build,
                *generator,
                f'-DCMAKE_INSTALL_PREFIX={stage}',
                '-DBUILD_TESTING=OFF',
                '-DCMAKE_BUILD_TYPE=Release',
                f'-DPython3_EXECUTABLE={sys.executable}',
            ],
            ['cmake', '--build', build, '--parallel', str(os.cpu_count() or 1)],
            ['cmake', '--install', build],
        ):
            subprocess.run(step, env=environment, check=True)


def _data_files(stage: Path, site_packages: Path) -> list[tuple[str, list[str]]]:
    """``(folder below the prefix, files)`` for everything in ``stage`` outside ``site_packages``; paths are relative to
    the working directory, as setuptools demands."""
    folders: dict[str, list[str]] = {}
    for file in sorted(stage.rglob('*')):
        if file.is_file() and not file.is_relative_to(site_packages):
            folders.setdefault(str(file.parent.relative_to(stage)), []).append(os.path.relpath(file))
    return list(folders.items())
