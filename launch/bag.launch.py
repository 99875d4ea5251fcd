"""A recorded bag played to the node ``pose``: ``ros2 launch mpn_ros bag.launch.py bag:=people.mcap
image_topic:=/camera/image_raw``. Everything goes by the bag's clock."""

from __future__ import annotations

import shutil
from pathlib import Path

from launch import LaunchContext, LaunchDescription
from launch.actions import ExecuteProcess

from mpn_ros.errors import ParameterError
from mpn_ros.ros.launching import argument, file_argument, on_end, with_playback

POSE = str(Path(__file__).resolve().with_name('pose.launch.py'))
ARGUMENTS = {
    'bag': (None, 'the bag: a folder or an .mcap or .db3 file'),
    'speed': ('1.0', 'of playing; 0.5 is half as fast as it was recorded'),
    'delay': ('10.0', 'seconds to wait before playing, while the network is loaded'),
    'use_sim_time': ('true', 'take the time from the bag'),
}


def generate_launch_description() -> LaunchDescription:
    """What ``ros2 launch`` runs; all arguments of pose.launch.py are taken as well."""
    return with_playback(ARGUMENTS, POSE, play)


def play(context: LaunchContext) -> list[ExecuteProcess]:
    """The recording in the place of the cameras."""
    if shutil.which('ros2') is None:
        raise ParameterError("bag.launch.py needs the command 'ros2', which is not in PATH")
    speed, delay = (str(argument(context, name, float)) for name in ('speed', 'delay'))
    command = ['ros2', 'bag', 'play', str(file_argument(context, 'bag')), '--rate', speed, '--delay', delay, '--clock']
    return [ExecuteProcess(cmd=command, output='screen', on_exit=on_end('the bag'))]
