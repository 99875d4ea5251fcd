"""The node ``pose`` on a camera with depth, people in metres on ``skeletons_3d``: ``ros2 launch mpn_ros
depth.launch.py`` beside ``ros2 launch realsense2_camera rs_launch.py align_depth.enable:=true``; docs/cameras.md has
other cameras."""

from __future__ import annotations

from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource

POSE = str(Path(__file__).resolve().with_name('pose.launch.py'))
CAMERA = '/camera/camera'
"""Where the RealSense driver puts its topics unless told otherwise."""


def generate_launch_description() -> LaunchDescription:
    """What ``ros2 launch`` runs; all arguments of pose.launch.py are taken as well."""
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                'image_topic',
                default_value=f'{CAMERA}/color/image_raw',
                description='colour images, with camera_info beside them',
            ),
            DeclareLaunchArgument(
                'depth_topic',
                default_value=f'{CAMERA}/aligned_depth_to_color/image_raw',
                description='depth images registered to the colour images',
            ),
            DeclareLaunchArgument('rviz_layout', default_value='robot', description='as in pose.launch.py'),
            DeclareLaunchArgument(
                'rviz_fixed_frame',
                default_value='camera_link',
                description='as in pose.launch.py; the default is the root of the RealSense driver',
            ),
            IncludeLaunchDescription(PythonLaunchDescriptionSource(POSE)),
        ]
    )
