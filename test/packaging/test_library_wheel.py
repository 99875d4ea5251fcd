"""The library alone, as pip makes it from the sdist where there is no ROS: all of the code, weights and command, and no
messages. The sdist holds what the builds with ROS need, too."""

from __future__ import annotations

import email
import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

if (SETUPTOOLS := int(version('setuptools').partition('.')[0])) < 77:
    pytest.skip(f'the wheel is built with setuptools 77 or newer and this is {SETUPTOOLS}', allow_module_level=True)

ROOT = Path(__file__).parents[2]
TOOLS = {
    '__pycache__',
    '.git',
    '.venv',
    '.tools',
    'build',
    'install',
    'log',
    'dist',
    'site',
    'demo',
    'runs',
    'shared',
    'test',
}
BUILD_WITHOUT_ROS = """
import sys
sys.modules['rosidl_generator_py'] = None  # as an isolated build finds it: not importable
from setuptools import build_meta
getattr(build_meta, f'build_{sys.argv[1]}')(sys.argv[2])
"""


def _build(kind: str, source: Path, out: Path) -> Path:
    """Builds 'sdist' or 'wheel' of ``source`` and returns its path."""
    build = subprocess.run(
        [sys.executable, '-c', BUILD_WITHOUT_ROS, kind, out], cwd=source, capture_output=True, text=True
    )
    assert build.returncode == 0, build.stderr
    return next(out.iterdir())


def _run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs a command away from the checkout, and without the paths to a built mpn_ros that this process may have."""
    clean = {'PATH': os.environ['PATH']}
    return subprocess.run(command, cwd='/', env=clean, capture_output=True, text=True)


@pytest.fixture(scope='module')
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist of a copy of the sources, unpacked, with a small file of weights in place of those that ship."""
    source = tmp_path_factory.mktemp('sources') / 'mpn_ros'
    shutil.copytree(
        ROOT,
        source,
        ignore=lambda _, names: {
            name for name in names if name in TOOLS or name.endswith(('.safetensors', '.egg-info'))
        },
    )
    (source / 'models' / 'tiny.safetensors').write_bytes(b'')
    archive = _build('sdist', source, tmp_path_factory.mktemp('sdist'))
    unpacked = tmp_path_factory.mktemp('unpacked')
    shutil.unpack_archive(archive, unpacked)
    return next(unpacked.iterdir())


@pytest.fixture(scope='module')
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the sdist."""
    return _build('wheel', sdist, tmp_path_factory.mktemp('wheel'))


@pytest.fixture(scope='module')
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``bin`` of an empty virtual environment with the wheel in it, without the libraries that it depends on."""
    folder = tmp_path_factory.mktemp('environment')
    _run(sys.executable, '-m', 'venv', '--without-pip', folder)
    install = _run(
        sys.executable,
        '-m',
        'pip',
        '--python',
        folder / 'bin' / 'python',
        'install',
        '--quiet',
        '--no-deps',
        '--no-index',
        wheel,
    )
    assert install.returncode == 0, install.stderr
    return folder / 'bin'


def test_the_sdist_holds_what_the_builds_with_ros_need(sdist: Path) -> None:
    for folder in ('build_support', 'compat', 'config', 'examples', 'launch', 'msg', 'requirements', 'rviz', 'scripts'):
        files = {path.relative_to(ROOT) for path in (ROOT / folder).rglob('*') if path.is_file()}
        wanted = {path for path in files if not TOOLS & set(path.parts) and 'egg-info' not in str(path)}
        assert wanted <= {path.relative_to(sdist) for path in sdist.rglob('*')}, folder
    assert (sdist / 'CMakeLists.txt').is_file() and (sdist / 'package.xml').is_file()


def test_holds_every_module_and_no_message(wheel: Path) -> None:
    modules = {name for name in zipfile.ZipFile(wheel).namelist() if name.endswith('.py')}
    assert modules == {str(path.relative_to(ROOT)) for path in (ROOT / 'mpn_ros').rglob('*.py')}


def test_holds_the_page_of_the_view(wheel: Path) -> None:
    page = {str(path.relative_to(ROOT)) for path in (ROOT / 'mpn_ros' / 'view' / 'page').iterdir()}
    assert page <= set(zipfile.ZipFile(wheel).namelist())


def test_says_what_it_is_and_that_it_has_types(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    assert 'mpn_ros/py.typed' in archive.namelist()
    (name,) = (name for name in archive.namelist() if name.endswith('.dist-info/METADATA'))
    metadata = email.message_from_bytes(archive.read(name))
    assert metadata['Description-Content-Type'] == 'text/markdown'
    assert metadata.get_payload().startswith('# mpn_ros')
    assert metadata['License-Expression'] == 'Apache-2.0' and metadata['License-File'] == 'LICENSE'
    assert 'Typing :: Typed' in metadata.get_all('Classifier')


def test_is_for_every_platform(wheel: Path) -> None:
    assert wheel.name.endswith('-py3-none-any.whl')


def test_has_the_command_and_not_the_node(environment: Path) -> None:
    answer = _run(environment / 'mpn', '--version')
    assert answer.stdout.startswith('mpn_ros '), answer.stderr
    assert not (environment.parent / 'lib' / 'mpn_ros').exists()


def test_finds_the_weights_that_it_ships(environment: Path) -> None:
    answer = _run(environment / 'python', '-c', "from mpn_ros.resources import find_model; print(find_model('tiny'))")
    models = environment.parent / 'share' / 'mpn_ros' / 'models'
    assert answer.stdout.strip() == str(models / 'tiny.safetensors'), answer.stderr


def test_has_the_definitions_of_messages_for_bags(environment: Path) -> None:
    share = environment.parent / 'share' / 'mpn_ros'
    for folder in ('msg', 'compat/vision_msgs/msg'):
        shipped = {path.name for path in (share / folder).iterdir()}
        assert shipped == {path.name for path in (ROOT / folder).iterdir()}
