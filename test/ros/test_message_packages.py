"""Packages of messages that are installed without their libraries, as a half-removed or half-built one is."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
pytest.importorskip('vision_msgs', reason='vision_msgs is not installed here')
pytest.importorskip('mpn_ros.msg', reason='the messages of mpn_ros are not built here')

from rclpy.impl.implementation_singleton import rclpy_implementation  # noqa: E402
from rosidl_generator_py.import_type_support_impl import UnsupportedTypeSupport  # noqa: E402

from mpn_ros.ros.message_packages import PackageError, message_package, sendable  # noqa: E402
from mpn_ros.ros.outputs import annotations, hri  # noqa: E402

pytestmark = pytest.mark.ros

CLASSES = {'foxglove_msgs': annotations.TYPES, 'hri_msgs': hri.TYPES, 'tf2_msgs': ('TFMessage',)}
FAULTS = {
    'its own': lambda name: UnsupportedTypeSupport(name),
    'the middleware': lambda name: rclpy_implementation.RCLError(f'Type support not from this: lib{name}.so missing'),
    'none': lambda name: None,
}
"""What is raised where libraries are missing: those of the package, those for the middleware; or nothing at all."""


@pytest.fixture(params=FAULTS)
def broken(request, monkeypatch):
    """``broken(name)`` puts a package in the place of ``name`` that is there and has its classes, but no libraries."""

    def put(name: str) -> None:
        class Kind:
            _TYPE_SUPPORT = None

            @classmethod
            def __import_type_support__(cls) -> None:
                error = FAULTS[request.param](name)
                if error is not None:
                    raise error

        package, messages = ModuleType(name), ModuleType(f'{name}.msg')
        for kind in CLASSES[name]:
            setattr(messages, kind, type(kind, (Kind,), {'__module__': f'{name}.msg._{kind.lower()}'}))
        package.msg = messages
        monkeypatch.setitem(sys.modules, name, package)
        monkeypatch.setitem(sys.modules, f'{name}.msg', messages)

    return put


def test_without_libraries_for_foxglove_one_warning_is_said_and_the_rest_works(robot, broken, capfd, until):
    from mpn_ros.msg import SkeletonArray

    broken('foxglove_msgs')
    node = robot.start()
    people = robot.listen(SkeletonArray, '/skeletons')
    sent = robot.camera()(200)
    until(lambda: people)
    assert people[0].header.stamp == sent.header.stamp
    assert '/annotations' not in dict(node.get_publisher_names_and_types_by_node('pose', '/'))
    said = capfd.readouterr().err
    (line,) = [line for line in said.splitlines() if 'foxglove_msgs' in line]
    assert 'WARN' in line and "'/annotations'" in line and 'does not work here' in line and 'Traceback' not in said


@pytest.mark.parametrize(
    'parameters, package',
    [
        ({'publish_humans': True}, 'hri_msgs'),
        ({'publish_tf': True, 'estimate_positions': True}, 'tf2_msgs'),
    ],
)
def test_what_was_asked_for_and_cannot_be_sent_is_refused_in_a_sentence(robot, broken, capfd, parameters, package):
    broken(package)
    robot.start(autostart=False, **parameters)
    assert not robot.transition('configure') and robot.state() == 'unconfigured'
    said = capfd.readouterr().err
    assert f"parameter '{next(iter(parameters))}' cannot be on: the package {package} is installed, but" in said
    assert 'Traceback' not in said


@pytest.mark.parametrize(
    'content, says',
    [
        ('', "No module named 'half_messages.msg'"),
        ('msg/__init__.py:import no_such_thing', "No module named 'no_such_thing'"),
        ('msg/__init__.py:raise OSError("libhalf.so: cannot open")', 'libhalf.so'),
        ('msg/__init__.py:class Old: ...', 'without New, Newer'),
    ],
)
def test_a_damaged_package_is_told_from_a_missing_one(tmp_path, monkeypatch, content, says):
    (tmp_path / 'half_messages' / 'msg').mkdir(parents=True)
    (tmp_path / 'half_messages' / '__init__.py').touch()
    name, _, text = content.partition(':')
    if name:
        (tmp_path / 'half_messages' / name).write_text(text)
    else:
        (tmp_path / 'half_messages' / 'msg').rmdir()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, 'modules', sys.modules.copy())
    with pytest.raises(PackageError, match='the package half_messages is installed') as raised:
        message_package('half_messages', 'Old', 'New', 'Newer')
    assert says in str(raised.value) and raised.value.installed
    with pytest.raises(PackageError, match='not installed') as raised:
        message_package('quite_other_messages')
    assert not raised.value.installed


def test_another_error_of_the_middleware_is_not_called_a_broken_package():
    with pytest.raises(rclpy_implementation.RCLError, match='no memory'), sendable(int):
        raise rclpy_implementation.RCLError('no memory')
