"""The launch file, where ROS's launch packages are installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

launch = pytest.importorskip('launch', reason='the launch packages of ROS 2 are not installed here')
pytest.importorskip('launch_ros', reason='launch_ros is not installed here')

from launch.actions import DeclareLaunchArgument  # noqa: E402

from mpn_ros.ros.parameters import SPECS  # noqa: E402

pytestmark = pytest.mark.ros

FILE = Path(__file__).resolve().parents[2] / 'launch' / 'pose.launch.py'


@pytest.fixture
def module():
    spec = importlib.util.spec_from_file_location('pose_launch', FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(module, **given: str):
    """The context after the description has been visited without starting a process, and the node's action."""
    context = launch.LaunchContext()
    context.launch_configurations.update(given)
    for entity in module.generate_launch_description().entities:
        if isinstance(entity, DeclareLaunchArgument):
            entity.execute(context)
    node, = module.pose(context)
    return node, context


def parameters(node, context) -> list:
    from launch_ros.utilities import evaluate_parameters
    return evaluate_parameters(context, node._Node__parameters)


def test_every_argument_is_described(module):
    declared = [entity for entity in module.generate_launch_description().entities
                if isinstance(entity, DeclareLaunchArgument)]
    names = {argument.name for argument in declared}
    assert {'namespace', 'params_file', 'image_topic', 'cameras', 'rviz', 'respawn'} <= names
    assert all(len(argument.description) > 10 for argument in declared)


def test_only_given_arguments_override_the_parameters_file(module):
    file, given = parameters(*run(module, weights='mine.safetensors', autostart='false', cameras='[left, right]'))
    assert Path(str(file)).name == 'pose.yaml'
    assert {name: list(value) if isinstance(value, (list, tuple)) else value for name, value in given.items()} == {
        'weights': 'mine.safetensors', 'autostart': False, 'cameras': ['left', 'right']}


def test_arguments_are_parameters_of_the_node(module):
    assert set(module.OVERRIDES) - {'use_sim_time'} <= set(SPECS)
