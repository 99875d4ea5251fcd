"""The node ``pose``, and RViz if wanted: ``ros2 launch mpn_ros pose.launch.py image_topic:=/camera/image_raw``."""

from __future__ import annotations

import os
from pathlib import Path

import yaml
from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.conditions import IfCondition
from launch.substitutions import EnvironmentVariable, LaunchConfiguration
from launch_ros.actions import LifecycleNode, Node
from launch_ros.parameter_descriptions import ParameterValue

SHARE = Path(__file__).resolve().parents[1]

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
    'log_level': ('info', 'debug, info, warn, error or fatal'),
    'respawn': ('false', 'start the node again whenever it ends'),
    'large_images': ('true', 'give Fast DDS shared memory for images larger than about 500 KB; '
                             'a profile that is set already stays'),
}


def generate_launch_description() -> LaunchDescription:
    """What ``ros2 launch`` runs."""
    declared = [DeclareLaunchArgument(name, default_value=default, description=text)
                for name, (default, text) in ARGUMENTS.items()]
    declared += [DeclareLaunchArgument(name, default_value='', description=f'{text}; empty: as in params_file')
                 for name, (_, text) in OVERRIDES.items()]
    # Fast DDS 2 of Jazzy reads the one name, Fast DDS 3 since Kilted the other.
    variable = f"FAST{'RTPS' if os.environ.get('ROS_DISTRO') == 'jazzy' else 'DDS'}_DEFAULT_PROFILES_FILE"
    profile = EnvironmentVariable(variable, default_value=str(SHARE / 'config' / 'fastdds_large_images.xml'))
    shared_memory = SetEnvironmentVariable(variable, profile,
                                           condition=IfCondition(LaunchConfiguration('large_images')))
    return LaunchDescription([*declared, shared_memory, OpaqueFunction(function=pose),
                              OpaqueFunction(function=rviz, condition=IfCondition(LaunchConfiguration('rviz')))])


def pose(context: LaunchContext) -> list[LifecycleNode]:
    """The node, once it is known which arguments are given."""
    given = {name: ParameterValue(LaunchConfiguration(name), value_type=kind) for name, (kind, _) in OVERRIDES.items()
             if LaunchConfiguration(name).perform(context)}
    return [LifecycleNode(package='mpn_ros', executable='pose_node', name='pose',
                          namespace=LaunchConfiguration('namespace'),
                          parameters=[LaunchConfiguration('params_file'), given], output='screen', emulate_tty=True,
                          respawn=LaunchConfiguration('respawn'), respawn_delay=2.,
                          ros_arguments=['--log-level', LaunchConfiguration('log_level')])]


def rviz(context: LaunchContext) -> list[Node]:
    """RViz in the namespace of each camera, as its layout names topics relative to it."""
    namespace = LaunchConfiguration('namespace').perform(context)
    cameras = yaml.safe_load(LaunchConfiguration('cameras').perform(context) or "['']")
    image_topic = LaunchConfiguration('image_topic').perform(context) or 'image_raw'
    return [Node(package='rviz2', executable='rviz2', namespace='/'.join(filter(None, (namespace, camera))),
                 remappings=[('image_raw', image_topic)],
                 arguments=['-d', str(SHARE / 'rviz' / 'pose.rviz')]) for camera in cameras]
