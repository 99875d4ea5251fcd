"""The node ``pose``, and RViz if wanted: ``ros2 launch mpn_ros pose.launch.py image_topic:=/camera/image_raw``."""

from __future__ import annotations

from pathlib import Path

import yaml
from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.conditions import IfCondition
from launch.substitutions import EnvironmentVariable, LaunchConfiguration
from launch_ros.actions import LifecycleNode, Node

from mpn_ros.errors import ParameterError
from mpn_ros.ros.launching import (
    argument,
    compressed_layout,
    file_argument,
    is_root,
    need_executable,
    on_failure,
    parameters_in_file,
    refuse_unknown,
)
from mpn_ros.ros.shared_memory import profiles_variable

SHARE = Path(__file__).resolve().parents[1]
LEVELS = 'debug', 'info', 'warn', 'error', 'fatal'
WITHOUT_TF = 'pose'
"""The layout whose fixed frame must be that of the images."""

# Arguments that are parameters of the node: only those that are given override the parameters file.
OVERRIDES = {
    'image_topic': (str, "image topic of each camera, within the namespace unless it begins with '/'"),
    'cameras': (list[str], "names of several cameras as '[left, right]', each the namespace of its topics"),
    'image_transport': (str, "'raw' or 'compressed'"),
    'depth_topic': (str, 'topic of depth images registered to the images'),
    'estimate_positions': (bool, 'without depth, estimate positions in metres'),
    'publish_tf': (bool, 'publish positions of people with an id on /tf'),
    'weights': (str, 'name of weights that ship, or path of a weights file'),
    'backend': (str, "what runs the network; 'auto' takes the fastest that works"),
    'device': (str, "'cpu', 'cuda', 'cuda:1' or 'auto'"),
    'precision': (str, "'fp16', 'bf16', 'fp32' or 'auto'"),
    'autostart': (bool, 'configure and activate at start; false waits for a lifecycle manager'),
    'use_sim_time': (bool, 'take the time from /clock'),
}
ARGUMENTS = {
    'namespace': ('', 'namespace of the node and its topics'),
    'params_file': (str(SHARE / 'config' / 'pose.yaml'), 'parameters file'),
    'rviz': ('false', 'open RViz on what the node answers, once for each of the cameras that are given here'),
    'rviz_layout': (WITHOUT_TF, "'pose' for a camera alone, 'robot' with TF and the ground, or path of a layout"),
    'rviz_fixed_frame': (
        '',
        "RViz's fixed frame, or a list like '[left_frame, right_frame]' of one for each camera; empty: the layout's",
    ),
    'rviz_title': ('{NAMESPACE} - people - RViz', "title of RViz's windows"),
    'log_level': ('info', 'debug, info, warn, error or fatal'),
    'respawn': ('false', 'start the node again whenever it ends'),
    'large_images': (
        'true',
        'give Fast DDS shared memory for images larger than about 500 KB; a profile that is set already stays',
    ),
}


def generate_launch_description() -> LaunchDescription:
    """What ``ros2 launch`` runs."""
    declared = [
        DeclareLaunchArgument(name, default_value=default, description=text)
        for name, (default, text) in ARGUMENTS.items()
    ]
    declared += [
        DeclareLaunchArgument(name, default_value='', description=f'{text}; empty: as in params_file')
        for name, (_, text) in OVERRIDES.items()
    ]
    profile = EnvironmentVariable(profiles_variable(), default_value=str(SHARE / 'config' / 'fastdds_large_images.xml'))
    shared_memory = SetEnvironmentVariable(
        profiles_variable(), profile, condition=IfCondition(LaunchConfiguration('large_images'))
    )
    return LaunchDescription(
        [*declared, OpaqueFunction(function=refuse), shared_memory, OpaqueFunction(function=start)]
    )


def refuse(context: LaunchContext) -> None:
    """Only in the files of this folder: a file that includes one of them may read arguments of its own."""
    if is_root(context, SHARE / 'launch'):
        refuse_unknown(context)


def start(context: LaunchContext) -> list[Node]:
    """The node and RViz: nothing starts before both are made."""
    given = {name: argument(context, name, kind) for name, (kind, _) in OVERRIDES.items() if argument(context, name)}
    windows = []
    if argument(context, 'rviz', bool):
        windows, frame = rviz(context, given)
        if frame:
            given['rviz_fixed_frame'] = frame
    return [pose(context, given), *windows]


def pose(context: LaunchContext, given: dict[str, object]) -> LifecycleNode:
    """The node, with the parameters ``given`` over those of the file."""
    need_executable(context, 'mpn_ros', 'pose_node', 'this launch file')
    level = argument(context, 'log_level')
    if level.lower() not in LEVELS:
        raise ParameterError(f"argument 'log_level' must be one of {', '.join(LEVELS)}, not '{level}'")
    respawn = argument(context, 'respawn', bool)
    ends = is_root(context, SHARE / 'launch') and not respawn  # a robot's launch file decides that for itself
    return LifecycleNode(
        package='mpn_ros',
        executable='pose_node',
        name='pose',
        namespace=argument(context, 'namespace'),
        parameters=[str(file_argument(context, 'params_file')), given],
        output='screen',
        emulate_tty=True,
        respawn=respawn,
        respawn_delay=2.0,
        on_exit=on_failure('the node pose') if ends else None,
        ros_arguments=['--log-level', level],
    )


def rviz(context: LaunchContext, given: dict[str, object]) -> tuple[list[Node], str]:
    """RViz in the namespace of each camera, as its layout names topics relative to it, and the frame that the images
    must be in for it: '' where TF joins them."""
    need_executable(context, 'rviz2', 'rviz2', 'rviz:=true')
    namespace = argument(context, 'namespace').strip('/')
    node = f'/{namespace}/pose' if namespace else '/pose'
    known = parameters_in_file(file_argument(context, 'params_file'), node) | given
    cameras = known.get('cameras') or ['']
    layout = argument(context, 'rviz_layout')
    shipped = SHARE / 'rviz' / f'{layout}.rviz'
    path = shipped if shipped.is_file() else file_argument(context, 'rviz_layout')
    frame = argument(context, 'rviz_fixed_frame')
    frames = argument(context, 'rviz_fixed_frame', list[str]) if frame.startswith('[') else [frame] * len(cameras)
    if len(frames) != len(cameras):
        raise ParameterError(f"argument 'rviz_fixed_frame' has {len(frames)} frames for {len(cameras)} cameras")
    image_topic = known.get('image_topic', 'image_raw')
    compressed = known.get('image_transport') == 'compressed'
    # RViz looks for camera_info beside the topic that the layout names, whatever that is remapped to.
    info = f'{image_topic.rpartition("/")[0]}/camera_info' if '/' in image_topic else 'camera_info'
    remappings = [('image_raw', image_topic), ('/image_raw/camera_info' if compressed else '/camera_info', info)]
    shown = compressed_layout(path) if compressed else path
    arguments = ['-d', str(shown), '-t', argument(context, 'rviz_title')]
    windows = [
        Node(
            package='rviz2',
            executable='rviz2',
            namespace='/'.join(filter(None, (namespace, camera))),
            remappings=remappings,
            parameters=[{'use_sim_time': known.get('use_sim_time', False)}],
            arguments=[*arguments, *(['-f', frame] if frame else [])],
        )
        for camera, frame in zip(cameras, frames)
    ]
    if frame or layout != WITHOUT_TF:
        return windows, ''
    return windows, yaml.safe_load(path.read_text())['Visualization Manager']['Global Options']['Fixed Frame']
