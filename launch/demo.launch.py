"""A video file played to the node ``pose`` as a camera would: ``ros2 launch mpn_ros demo.launch.py clip:=street.mp4
rviz:=true`` shows the overlay."""

from __future__ import annotations

from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, Shutdown
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

POSE = str(Path(__file__).resolve().with_name('pose.launch.py'))
ARGUMENTS = {'clip': (None, str, 'video file that is played'),
             'rate': ('0.0', float, "images a second; 0.0 takes the clip's own rate"),
             'loop': ('true', bool, 'begin again at the end; false ends everything there')}


def generate_launch_description() -> LaunchDescription:
    """What ``ros2 launch`` runs; all arguments of pose.launch.py are taken as well."""
    parameters = {name: ParameterValue(LaunchConfiguration(name), value_type=kind)
                  for name, (_, kind, _) in ARGUMENTS.items()}
    return LaunchDescription([
        *(DeclareLaunchArgument(name, default_value=default, description=text)
          for name, (default, _, text) in ARGUMENTS.items()),
        IncludeLaunchDescription(PythonLaunchDescriptionSource(POSE)),
        Node(package='mpn_ros', executable='clip_player', namespace=LaunchConfiguration('namespace'),
             parameters=[parameters], output='screen', on_exit=Shutdown(reason='the clip has ended'))])
