"""The three descriptions of the package agree: package.xml for colcon, pyproject.toml for pip, the code for itself."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import mpn_ros

ROOT = Path(__file__).parents[2]
OPTIONAL = {'foxglove_msgs', 'hri_msgs'}
"""What is used where it is there, and what rosdep could not install on every distribution."""
PACKAGE = ElementTree.parse(ROOT / 'package.xml').getroot()


def _words(path: str) -> str:
    return (ROOT / path).read_text()


def test_one_version() -> None:
    assert PACKAGE.findtext('version') == mpn_ros.__version__
    assert "version = {attr = 'mpn_ros.__version__'}" in _words('pyproject.toml')
    newest = re.search(r'^## \[?(\d+\.\d+\.\d+)', _words('CHANGELOG.md'), re.MULTILINE)
    assert newest and newest.group(1) == mpn_ros.__version__


def test_one_name_and_licence() -> None:
    assert PACKAGE.findtext('name') == 'mpn_ros'
    assert PACKAGE.findtext('license') == 'Apache-2.0'
    assert "name = 'mpn_ros'" in _words('pyproject.toml')
    assert "license = 'Apache-2.0'" in _words('pyproject.toml')


def test_every_message_is_generated() -> None:
    listed = set(re.findall(r'msg/\w+\.msg', _words('CMakeLists.txt')))
    assert listed == {f'msg/{path.name}' for path in (ROOT / 'msg').iterdir()}


def _ros_imports(*folders: str) -> set[str]:
    """The ROS packages that the modules below these folders import."""
    imported = set()
    for path in (path for folder in folders for path in (ROOT / folder).rglob('*.py')):
        text = path.read_text()
        imported |= set(re.findall(r'^\s*(?:from|import) (\w+)', text, re.MULTILINE))
        imported |= set(re.findall(r"message_package\('(\w+)'", text))
    return {
        name
        for name in imported - OPTIONAL
        if re.fullmatch(r'rclpy|launch|launch_ros|cv_bridge|ament_index_python|\w+_(msgs|srvs|interfaces)', name)
    }


def _declared(*tags: str) -> set[str]:
    return {element.text for element in PACKAGE if element.tag in tags}


def test_what_runs_on_a_robot_is_declared_and_no_more_messages() -> None:
    """What the ROS layer, the launch files and the examples import, against what rosdep installs on every robot."""
    declared, imported = _declared('depend', 'exec_depend'), _ros_imports('mpn_ros', 'launch', 'examples')
    assert imported <= declared, f'package.xml lacks {sorted(imported - declared)}'
    unused = {name for name in declared if name.endswith('_msgs')} - imported
    assert not unused, f'nothing imports {sorted(unused)}, which package.xml has installed'


def test_what_the_tests_import_is_declared() -> None:
    missing = _ros_imports('test') - _declared('depend', 'exec_depend', 'test_depend')
    assert not missing, f'package.xml lacks {sorted(missing)}'


def test_every_executable_is_installed() -> None:
    """``demo.py`` is of the checkout; what has no ending is for ``ros2 run``."""
    installed = re.search(r'install\(PROGRAMS (.*) DESTINATION lib/', _words('CMakeLists.txt')).group(1).split()
    scripts = (path for path in (ROOT / 'scripts').iterdir() if path.is_file() and not path.suffix)
    assert installed == sorted(f'scripts/{path.name}' for path in scripts)
