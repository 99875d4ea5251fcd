"""The three descriptions of the package agree: package.xml for colcon, pyproject.toml for pip, the code for itself."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import mpn_ros

ROOT = Path(__file__).parents[2]
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


def test_every_ros_import_is_declared() -> None:
    """Packages that the ROS layer and the launch files import, against the dependencies that rosdep installs."""
    declared = {element.text for element in PACKAGE if element.tag in ('depend', 'exec_depend')}
    imported = set()
    for path in [*(ROOT / 'mpn_ros' / 'ros').rglob('*.py'), *(ROOT / 'launch').glob('*.py')]:
        imported |= set(re.findall(r'^\s*(?:from|import) (\w+)', path.read_text(), re.MULTILINE))
    ros = {name for name in imported
           if re.fullmatch(r'rclpy|launch|launch_ros|cv_bridge|ament_index_python|\w+_(msgs|srvs|interfaces)', name)}
    assert ros <= declared, f'package.xml lacks {sorted(ros - declared)}'
