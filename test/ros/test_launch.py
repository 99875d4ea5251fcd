"""The launch files, where ROS's launch packages are installed."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

rclpy = pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
launch = pytest.importorskip('launch', reason='the launch packages of ROS 2 are not installed here')
pytest.importorskip('launch_ros', reason='launch_ros is not installed here')

import yaml  # noqa: E402
from launch.actions import DeclareLaunchArgument, ExecuteProcess, IncludeLaunchDescription  # noqa: E402

from mpn_ros.errors import ParameterError  # noqa: E402
from mpn_ros.parameters import SPECS  # noqa: E402
from mpn_ros.ros import launching  # noqa: E402

pytestmark = pytest.mark.ros

FOLDER = Path(__file__).resolve().parents[2] / 'launch'
FILES = sorted(path.name for path in FOLDER.iterdir() if path.suffix == '.py')
REQUIRED = {'bag.launch.py': {'bag': __file__}, 'demo.launch.py': {'clip': __file__}}
"""Arguments without a default: files that are there."""


@pytest.fixture(autouse=True)
def installed(monkeypatch) -> set[str]:
    """The packages that count as installed."""
    packages = {'mpn_ros', 'rviz2'}

    class Found:
        def __init__(self, package: str, executable: str) -> None:
            self.package = package

        def perform(self, context: object) -> None:
            if self.package not in packages:
                raise LookupError(self.package)

    monkeypatch.setattr(launching, 'ExecutableInPackage', Found)
    monkeypatch.setattr('shutil.which', lambda name: f'/usr/bin/{name}')
    return packages


def load(name: str):
    spec = importlib.util.spec_from_file_location(name.partition('.')[0], FOLDER / name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
                entities = [*(entity.execute(context) or []), *entities]
    return context, processes


def parameters(node, context) -> list:
    from launch_ros.utilities import evaluate_parameters

    return evaluate_parameters(context, node._Node__parameters)


def given_to_pose(name: str, **given: str) -> dict:
    context, processes = visit(name, {**REQUIRED.get(name, {}), **given})
    file, *rest = parameters(processes['pose_node'], context)
    assert Path(str(file)).name == 'pose.yaml'
    (values,) = rest or [{}]
    return {key: list(value) if isinstance(value, (list, tuple)) else value for key, value in values.items()}


@pytest.mark.parametrize('name', FILES)
def test_every_argument_is_described(name):
    declared = [
        argument
        for argument, _ in load(name)
        .generate_launch_description()
        .get_launch_arguments_with_include_launch_description_actions()
    ]
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
    (clip,) = parameters(processes['clip_player'], context)
    assert dict(clip) == {'clip': __file__, 'rate': 10.0, 'loop': True}


def windows(name: str = 'pose.launch.py', **given: str) -> list[tuple[str, list[str], dict[str, str], dict]]:
    """The namespace, arguments, remappings and parameters of each RViz that is opened."""
    context = launch.LaunchContext()
    context.launch_configurations.update(
        {
            argument.name: argument.default_value[0].text if argument.default_value else ''
            for argument in load(name).generate_launch_description().get_launch_arguments()
        }
    )
    context.launch_configurations.update({**given, 'rviz': 'true'})
    opened = []
    for node in load('pose.launch.py').start(context)[1:]:
        remappings = {one[0].text: other[0].text for one, other in node._Node__remappings}
        opened.append(
            (
                node._Node__node_namespace,
                [str(part) for part in node._Node__arguments],
                remappings,
                dict(parameters(node, context)[0]),
            )
        )
    return opened


@pytest.mark.parametrize(
    'given, namespaces',
    [
        ({}, ['']),
        ({'namespace': 'robot'}, ['robot']),
        ({'namespace': 'robot', 'cameras': '[a, b]'}, ['robot/a', 'robot/b']),
    ],
)
def test_rviz_opens_in_the_namespace_of_each_camera(given, namespaces):
    opened = windows(image_topic='color/image_raw', **given)
    assert [namespace for namespace, *_ in opened] == namespaces
    for _, arguments, remappings, values in opened:
        assert remappings == {'image_raw': 'color/image_raw', '/camera_info': 'color/camera_info'}
        assert arguments[:2] == ['-d', str(FOLDER.parent / 'rviz' / 'pose.rviz')] and '{NAMESPACE}' in arguments[3]
        assert '-f' not in arguments and values == {'use_sim_time': False}


@pytest.mark.parametrize(
    'topic, info',
    [('/camera/color/image_raw', '/camera/color/camera_info'), ('image', 'camera_info'), ('/image', '/camera_info')],
)
def test_rviz_hears_the_camera_info_beside_the_images(topic, info):
    ((_, _, remappings, _),) = windows(image_topic=topic)
    assert remappings == {'image_raw': topic, '/camera_info': info}
    arguments = [word for pair in remappings.items() for word in ('-r', ':='.join(pair))]
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node('rviz', namespace='/robot', context=context, cli_args=['--ros-args', *arguments])
    try:
        heard = node.resolve_topic_name('image_raw').rpartition('/')[0] + '/camera_info'
        assert node.resolve_topic_name('/camera_info') == heard, 'RViz asks for /camera_info wherever the images are'
    finally:
        node.destroy_node()
        context.try_shutdown()


def test_rviz_shows_what_the_parameters_file_names(tmp_path):
    file = tmp_path / 'mine.yaml'
    file.write_text(
        '/**: {ros__parameters: {image_topic: /all, use_sim_time: true}}\n'
        '/other/pose: {ros__parameters: {image_topic: /another_node}}\n'
        'robot: {pose: {ros__parameters: {image_topic: /camera/image_raw, cameras: [a, b]}}}\n'
    )
    opened = windows(namespace='robot', params_file=str(file))
    assert [namespace for namespace, *_ in opened] == ['robot/a', 'robot/b']
    for _, _, remappings, values in opened:
        assert remappings == {'image_raw': '/camera/image_raw', '/camera_info': '/camera/camera_info'}
        assert values == {'use_sim_time': True}
    ((_, _, remappings, _),) = windows(params_file=str(file))
    assert remappings['image_raw'] == '/all'
    ((_, _, remappings, _),) = windows(params_file=str(file), image_topic='/given')
    assert remappings['image_raw'] == '/given', 'an argument stands above the file'


@pytest.mark.parametrize(
    'section, holds',
    [
        ('/**', True),
        ('/*/pose', True),
        ('/**/pose', True),
        ('robot/pose', True),
        ('/robot/*', True),
        ('pose', False),
        ('/*', False),
        ('/robot', False),
        ('/robot/pos', False),
    ],
)
def test_a_section_of_a_parameters_file_holds_for_the_nodes_that_rcl_says(section, holds, tmp_path):
    """Judged by rclpy itself, and ours must agree."""
    file = tmp_path / 'mine.yaml'
    file.write_text(f'{section}:\n  ros__parameters:\n    image_topic: mine\n')
    context = rclpy.Context()
    rclpy.init(context=context)
    arguments = ['--ros-args', '--params-file', str(file)]
    node = rclpy.create_node('pose', namespace='/robot', context=context, cli_args=arguments)
    try:
        assert (node.declare_parameter('image_topic', 'none').value == 'mine') is holds
    finally:
        node.destroy_node()
        context.try_shutdown()
    assert launching.parameters_in_file(file, '/robot/pose') == ({'image_topic': 'mine'} if holds else {})


def test_a_parameters_file_that_is_no_yaml_is_told_in_a_sentence(tmp_path):
    file = tmp_path / 'mine.yaml'
    file.write_text('{')
    with pytest.raises(ParameterError, match="'params_file': '.*mine.yaml' is not YAML"):
        windows(params_file=str(file))


@pytest.mark.parametrize('layout', ['pose', 'robot'])
def test_rviz_takes_compressed_images_where_the_node_does(layout, tmp_path, monkeypatch):
    monkeypatch.setattr(launching, 'launch_config', SimpleNamespace(log_dir=str(tmp_path)))
    ((_, arguments, remappings, _),) = windows(
        image_transport='compressed', image_topic='/camera/image_raw', rviz_layout=layout
    )
    assert remappings == {'image_raw': '/camera/image_raw', '/image_raw/camera_info': '/camera/camera_info'}
    copy, shipped = (
        yaml.safe_load(Path(path).read_text()) for path in (arguments[1], FOLDER.parent / 'rviz' / f'{layout}.rviz')
    )
    topics = [
        [display['Topic']['Value'] for display in one['Visualization Manager']['Displays'] if 'Topic' in display]
        for one in (copy, shipped)
    ]
    assert topics[0] == [topic.replace('image_raw', 'image_raw/compressed') for topic in topics[1]]
    assert copy['Window Geometry'] == shipped['Window Geometry']


def test_rviz_has_the_frame_the_title_and_the_clock_that_it_is_given():
    frames = [
        arguments[arguments.index('-f') + 1]
        for _, arguments, _, _ in windows(cameras='[a, b]', rviz_fixed_frame='[a_frame, b_frame]')
    ]
    assert frames == ['a_frame', 'b_frame']
    assert all(
        arguments[-2:] == ['-f', 'map']
        for _, arguments, _, _ in windows(cameras='[a, b]', rviz_fixed_frame='map', rviz_layout='robot')
    )
    ((_, arguments, _, values),) = windows(rviz_title='mine', use_sim_time='true')
    assert arguments[2:4] == ['-t', 'mine'] and values == {'use_sim_time': True}
    ((_, arguments, _, _),) = windows('depth.launch.py')
    assert arguments[1].endswith('robot.rviz') and arguments[-2:] == ['-f', 'camera_link']
    ((_, _, _, values),) = windows('bag.launch.py')
    assert values == {'use_sim_time': True}


def test_the_node_knows_the_frame_that_rviz_shows_where_no_tf_joins_them():
    def told(**given: str) -> str | None:
        context, processes = visit('pose.launch.py', {'rviz': 'true', **given})
        return (
            dict(parameters(processes['pose_node'], context)[1:][0]).get('rviz_fixed_frame')
            if len(parameters(processes['pose_node'], context)) > 1
            else None
        )

    assert told() == 'camera_optical_frame'
    assert told(rviz_fixed_frame='other') is None and told(rviz_layout='robot') is None and told(rviz='false') is None


@pytest.mark.parametrize(
    'name, given, says',
    [
        ('pose.launch.py', {'rviz': 'perhaps'}, "'rviz' must be true or false, not 'perhaps'"),
        ('pose.launch.py', {'respawn': 'often'}, "'respawn' must be true or false"),
        ('pose.launch.py', {'use_sim_time': 'yes please'}, "'use_sim_time' must be true or false"),
        ('pose.launch.py', {'cameras': '[a, '}, "'cameras' must be a list of names"),
        ('pose.launch.py', {'params_file': '/nowhere.yaml'}, "'params_file': there is no '/nowhere.yaml'"),
        ('pose.launch.py', {'log_level': 'loud'}, "'log_level' must be one of debug"),
        ('pose.launch.py', {'rviz': 'true', 'rviz_layout': 'mine'}, "'rviz_layout': there is no 'mine'"),
        ('pose.launch.py', {'rviz': 'true', 'cameras': '[a, b]', 'rviz_fixed_frame': '[a]'}, '1 frames for 2 cameras'),
        ('demo.launch.py', {'clip': '/nowhere.mp4'}, "'clip': there is no"),
        ('demo.launch.py', {'rate': 'fast'}, "'rate' must be a number"),
        ('demo.launch.py', {'loop': 'often'}, "'loop' must be true or false"),
        ('bag.launch.py', {'bag': '/nowhere'}, "'bag': there is no"),
        ('bag.launch.py', {'speed': 'fast'}, "'speed' must be a number"),
    ],
)
def test_what_is_wrong_is_told_in_a_sentence_before_anything_starts(name, given, says):
    with pytest.raises(ParameterError, match=re.escape(says)):
        visit(name, {**REQUIRED.get(name, {}), **given})


def test_what_is_not_installed_is_told_before_anything_starts(installed):
    installed.remove('rviz2')
    with pytest.raises(ParameterError, match='rviz2'):
        visit('pose.launch.py', {'rviz': 'true'})
    visit('pose.launch.py', {})


def test_arguments_are_parameters_of_the_node():
    assert set(load('pose.launch.py').OVERRIDES) - {'use_sim_time'} <= set(SPECS)


def called(name: str, *argv: str, folder: Path = FOLDER) -> launch.LaunchContext:
    """The context in which ``ros2 launch`` visits the file that it was called with."""
    context = launch.LaunchContext(argv=list(argv))
    root = launch.LaunchDescription([IncludeLaunchDescription(str(folder / name))])
    root.entities[0].launch_description_source.get_launch_description(context)
    context.extend_locals({'event': SimpleNamespace(launch_description=root)})
    return context


@pytest.fixture
def robot_folder(tmp_path) -> Path:
    """A folder with the launch file of somebody's robot."""
    (tmp_path / 'robot.launch.py').write_text(
        'import launch\n\n\ndef generate_launch_description():\n    return launch.LaunchDescription()\n'
    )
    return tmp_path


@pytest.mark.parametrize(
    'name, argument, says',
    [
        ('pose.launch.py', 'imagetopic:=a', "'imagetopic': did you mean 'image_topic'?"),
        ('pose.launch.py', 'clip:=a', "'clip'"),
        ('cameras.launch.py', 'xyz:=a', "'xyz': --show-args lists them"),
    ],
)
def test_an_argument_that_nobody_declares_is_refused(name, argument, says):
    with pytest.raises(ParameterError, match=re.escape(says)):
        load('pose.launch.py').refuse(called(name, argument))


def test_arguments_of_the_file_of_its_inclusions_and_of_launch_itself_pass(robot_folder):
    refuse = load('pose.launch.py').refuse
    refuse(called('demo.launch.py', 'clip:=a', 'image_topic:=b', 'launch-prefix:=gdb'))
    refuse(called('robot.launch.py', 'mine:=a', folder=robot_folder))
    refuse(launch.LaunchContext(argv=['mine:=a']))


def test_the_end_of_a_process_ends_all_once_and_its_failure_is_one():
    context = launch.LaunchContext()
    end = launching.on_end('the clip')
    (shutdown,) = end(SimpleNamespace(returncode=0), context)
    assert shutdown.event.reason == 'the clip has ended'
    with pytest.raises(RuntimeError, match='the clip has ended with status 2'):
        end(SimpleNamespace(returncode=2), context)
    context._set_is_shutdown(True)
    assert end(SimpleNamespace(returncode=-2), context) == [], 'after Ctrl-C launch cannot end everything twice'


def test_a_node_that_fails_ends_the_launch_but_not_that_of_a_robot(robot_folder):
    def handled(context: launch.LaunchContext, **given: str) -> bool:
        context.launch_configurations.update(
            {
                argument.name: argument.default_value[0].text
                for argument in load('pose.launch.py').generate_launch_description().get_launch_arguments()
            }
            | given
        )
        (node,) = load('pose.launch.py').start(context)
        return node._ExecuteLocal__on_exit is not None

    assert handled(called('pose.launch.py')) and not handled(called('pose.launch.py'), respawn='true')
    assert not handled(called('robot.launch.py', folder=robot_folder))
