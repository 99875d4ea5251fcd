"""The node ``pose`` for several cameras, all on one network: ``ros2 launch mpn_ros cameras.launch.py
cameras:='[front, rear]' image_topic:=image_raw`` answers ``front/image_raw`` on ``front/skeletons`` and so on."""

from __future__ import annotations

from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource

POSE = str(Path(__file__).resolve().with_name('pose.launch.py'))


def generate_launch_description() -> LaunchDescription:
    """What ``ros2 launch`` runs; all arguments of pose.launch.py are taken as well."""
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                'cameras',
                default_value='[left, right]',
                description='names of the cameras, each the namespace of its topics',
            ),
            IncludeLaunchDescription(PythonLaunchDescriptionSource(POSE)),
        ]
    )
