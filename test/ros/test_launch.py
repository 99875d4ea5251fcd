"""The launch files, where ROS's launch packages are installed."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

launch = pytest.importorskip('launch', reason='the launch packages of ROS 2 are not installed here')
pytest.importorskip('launch_ros', reason='launch_ros is not installed here')

from launch.actions import DeclareLaunchArgument, ExecuteProcess, IncludeLaunchDescription  # noqa: E402

from mpn_ros.parameters import SPECS  # noqa: E402

pytestmark = pytest.mark.ros

FOLDER = Path(__file__).resolve().parents[2] / 'launch'
FILES = sorted(path.name for path in FOLDER.iterdir() if path.suffix == '.py')
REQUIRED = {'bag.launch.py': {'bag': 'people.mcap'}, 'demo.launch.py': {'clip': 'street.mp4'}}
"""Arguments without a default."""


def load(name: str):
    spec = importlib.util.spec_from_file_location(name.partition('.')[0], FOLDER / name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def module():
    return load('pose.launch.py')


def visit(name: str, given: dict[str, str]):
    """The context after a launch file and those that it includes have been visited without starting a process, and the
    processes that it would start, by their executable."""
    context = launch.LaunchContext()
    context.launch_configurations.update(given)
    processes = {}
    entities = list(load(name).generate_launch_description().entities)
    while entities:
        entity = entities.pop(0)
        if isinstance(entity, ExecuteProcess):
            if hasattr(entity, '_Node__node_executable'):
                processes[str(entity._Node__node_executable)] = entity
            else:
                processes[' '.join(part[0].perform(context) for part in entity.cmd[:3])] = entity
        elif isinstance(entity, IncludeLaunchDescription):
            entities = [*entity.launch_description_source.get_launch_description(context).entities, *entities]
        elif isinstance(entity, DeclareLaunchArgument):
            entity.execute(context)
        elif entity.condition is None or entity.condition.evaluate(context):
            if type(entity).__name__ == 'OpaqueFunction':
                entities = [*entity.execute(context), *entities]
    return context, processes


def parameters(node, context) -> list:
    from launch_ros.utilities import evaluate_parameters
    return evaluate_parameters(context, node._Node__parameters)


def given_to_pose(name: str, **given: str) -> dict:
    context, processes = visit(name, {**REQUIRED.get(name, {}), **given})
    file, values = parameters(processes['pose_node'], context)
    assert Path(str(file)).name == 'pose.yaml'
    return {key: list(value) if isinstance(value, (list, tuple)) else value for key, value in values.items()}


@pytest.mark.parametrize('name', FILES)
def test_every_argument_is_described(name):
    declared = [argument for argument, _ in load(name).generate_launch_description()
                .get_launch_arguments_with_include_launch_description_actions()]
    names = {argument.name for argument in declared}
    assert {'namespace', 'params_file', 'image_topic', 'cameras', 'rviz', 'respawn'} <= names
    assert all(len(argument.description) > 10 for argument in declared)
    assert {argument.name for argument in declared if argument.default_value is None} == set(REQUIRED.get(name, ()))


@pytest.mark.parametrize('name', FILES)
def test_every_file_starts_the_node_with_what_it_was_given(name):
    given = given_to_pose(name, weights='mine.safetensors', autostart='false')
    assert (given['weights'], given['autostart']) == ('mine.safetensors', False)


@pytest.mark.parametrize('name', FILES)
def test_every_file_is_in_the_documentation(name):
    page = (FOLDER.parent / 'docs' / 'interface.md').read_text()
    assert re.search(rf'\b{re.escape(name)}\b', page)


def test_only_given_arguments_override_the_parameters_file():
    assert given_to_pose('pose.launch.py', cameras='[left, right]') == {'cameras': ['left', 'right']}
    assert given_to_pose('pose.launch.py') == {}


def test_what_the_other_files_add():
    assert given_to_pose('cameras.launch.py') == {'cameras': ['left', 'right']}
    assert set(given_to_pose('depth.launch.py')) == {'image_topic', 'depth_topic'}
    assert given_to_pose('depth.launch.py', depth_topic='/depth')['depth_topic'] == '/depth'
    assert given_to_pose('bag.launch.py') == {'use_sim_time': True}
    _, processes = visit('bag.launch.py', REQUIRED['bag.launch.py'])
    assert 'ros2 bag play' in processes
    context, processes = visit('demo.launch.py', {**REQUIRED['demo.launch.py'], 'rate': '10'})
    clip, = parameters(processes['clip_player'], context)
    assert dict(clip) == {'clip': 'street.mp4', 'rate': 10., 'loop': True}


@pytest.mark.parametrize('given, namespaces', [
    ({}, ['']), ({'namespace': 'robot'}, ['robot']),
    ({'namespace': 'robot', 'cameras': '[a, b]'}, ['robot/a', 'robot/b'])])
def test_rviz_opens_in_the_namespace_of_each_camera(module, given, namespaces):
    context = launch.LaunchContext()
    context.launch_configurations.update({'namespace': '', 'cameras': '', 'image_topic': 'color/image_raw', **given})
    nodes = module.rviz(context)
    assert [node._Node__node_namespace for node in nodes] == namespaces
    remappings = [[[part.text for part in parts] for parts in pair] for node in nodes
                  for pair in node._Node__remappings]
    assert remappings == [[['image_raw'], ['color/image_raw']]] * len(nodes), 'the layout has the topic by its default'
    assert 'rviz2' in visit('pose.launch.py', {'rviz': 'true'})[1]
    assert 'rviz2' not in visit('pose.launch.py', {})[1]


def test_arguments_are_parameters_of_the_node(module):
    assert set(module.OVERRIDES) - {'use_sim_time'} <= set(SPECS)
