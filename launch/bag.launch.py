"""A recorded bag played to the node ``pose``: ``ros2 launch mpn_ros bag.launch.py bag:=people.mcap
image_topic:=/camera/image_raw``. Everything goes by the bag's clock."""

from __future__ import annotations

from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess, IncludeLaunchDescription, Shutdown
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration

POSE = str(Path(__file__).resolve().with_name('pose.launch.py'))
ARGUMENTS = {'bag': (None, 'the bag: a folder or an .mcap or .db3 file'),
             'speed': ('1.0', 'of playing; 0.5 is half as fast as it was recorded'),
             'delay': ('10.0', 'seconds to wait before playing, while the network is loaded'),
             'use_sim_time': ('true', 'take the time from the bag')}


def generate_launch_description() -> LaunchDescription:
    """What ``ros2 launch`` runs; all arguments of pose.launch.py are taken as well."""
    play = ['ros2', 'bag', 'play', LaunchConfiguration('bag'), '--rate', LaunchConfiguration('speed'),
            '--delay', LaunchConfiguration('delay'), '--clock']
    return LaunchDescription([
        *(DeclareLaunchArgument(name, default_value=default, description=text)
          for name, (default, text) in ARGUMENTS.items()),
        IncludeLaunchDescription(PythonLaunchDescriptionSource(POSE)),
        ExecuteProcess(cmd=play, output='screen', on_exit=Shutdown(reason='the bag has ended'))])
