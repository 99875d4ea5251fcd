"""A video file played to the node ``pose`` as a camera would: ``ros2 launch mpn_ros demo.launch.py clip:=street.mp4
rviz:=true`` shows the overlay."""

from __future__ import annotations

from pathlib import Path

from launch import LaunchContext, LaunchDescription
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from mpn_ros.ros.launching import argument, file_argument, need_executable, on_end, with_playback

POSE = str(Path(__file__).resolve().with_name('pose.launch.py'))
ARGUMENTS = {
    'clip': (None, 'video file that is played'),
    'rate': ('0.0', "images a second; 0.0 takes the clip's own rate"),
    'loop': ('true', 'begin again at the end; false ends everything there'),
    'camera_info': ('', 'calibration file of the camera that took it; empty: a plausible lens'),
}


def generate_launch_description() -> LaunchDescription:
    """What ``ros2 launch`` runs; all arguments of pose.launch.py are taken as well."""
    return with_playback(ARGUMENTS, POSE, play)


def play(context: LaunchContext) -> list[Node]:
    """The clip in the place of a camera."""
    need_executable(context, 'mpn_ros', 'clip_player', 'this launch file')
    parameters = {
        'clip': str(file_argument(context, 'clip')),
        'rate': argument(context, 'rate', float),
        'loop': argument(context, 'loop', bool),
    }
    if argument(context, 'camera_info'):
        parameters['camera_info'] = str(file_argument(context, 'camera_info'))
    return [
        Node(
            package='mpn_ros',
            executable='clip_player',
            namespace=LaunchConfiguration('namespace'),
            parameters=[parameters],
            output='screen',
            on_exit=on_end('the clip'),
        )
    ]
