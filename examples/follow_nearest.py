#!/usr/bin/env python3
"""Drives a robot after the nearest person: people in metres on ``skeletons_3d`` in, velocities on ``cmd_vel`` out.

    ros2 run mpn_ros follow_nearest.py --ros-args -p distance:=1.5

The camera looks straight ahead. The robot stops when nobody is seen, when the answers are older than ``timeout``, and
when this program ends. It sees no obstacles and is no safety function: try it with the wheels off the ground.
"""

from __future__ import annotations

import math
import signal
import sys

import rclpy
from geometry_msgs.msg import Twist
from mpn_ros.msg import Skeleton3DArray
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.time import Time

PERIOD = 0.1
"""Seconds between two commands."""
TOLERANCE = 0.1
"""Metres by which the person may be nearer or farther before the robot moves."""


class FollowNearest(Node):
    """Keeps ``distance`` metres from the nearest person and turns towards them."""

    def __init__(self, **options) -> None:
        super().__init__('follow_nearest', **options)
        self._settings = {
            name: self.declare_parameter(name, value)
            for name, value in {
                'distance': 1.5,  # m, from the camera to the person's trunk
                'timeout': 0.5,  # s, age of an answer after which it says nothing of now
                'gain': 0.8,  # 1/s, speed for each metre, and turning for each radian, that is missing
                'max_speed': 0.5,  # m/s
                'max_turn': 1.0,  # rad/s
            }.items()
        }
        self._people: Skeleton3DArray | None = None
        self._commands = self.create_publisher(Twist, 'cmd_vel', 10)
        self.create_subscription(Skeleton3DArray, 'skeletons_3d', self._hear, 10)
        self.create_timer(PERIOD, self._drive)

    def _setting(self, name: str) -> float:
        return self.get_parameter(name).value

    def _hear(self, people: Skeleton3DArray) -> None:
        self._people = people

    def _drive(self) -> None:
        self._commands.publish(self._command())

    def stop(self) -> None:
        """Stands still."""
        self._commands.publish(Twist())
        self._commands.wait_for_all_acked(Duration(seconds=1))  # a program that ends at once may take it along

    def _command(self) -> Twist:
        command = Twist()
        if self._people is None or self._age() > self._setting('timeout'):
            return command
        # The optical frame: x is right, y is down, z is ahead. A torso without a position has valid false.
        seen = [person.torso.position for person in self._people.skeletons if person.torso.valid]
        if not seen:
            return command
        nearest = min(seen, key=lambda place: math.hypot(place.x, place.z))
        missing = math.hypot(nearest.x, nearest.z) - self._setting('distance')
        if abs(missing) > TOLERANCE:
            command.linear.x = self._limited(missing, 'max_speed')
        command.angular.z = self._limited(-math.atan2(nearest.x, nearest.z), 'max_turn')  # positive turns left
        return command

    def _age(self) -> float:
        """Seconds since the image was taken; stamps of the future, as after a jump of the clock, are no better than old
        ones."""
        return abs((self.get_clock().now() - Time.from_msg(self._people.header.stamp)).nanoseconds) / 1e9

    def _limited(self, error: float, limit: str) -> float:
        return max(-self._setting(limit), min(self._setting(limit), self._setting('gain') * error))


def main() -> int:
    """Runs until a signal comes."""
    # Not rclpy's handlers: a signal must leave the middleware alive for the last command.
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    node = FollowNearest()
    try:
        rclpy.spin(node)
    except KeyboardInterrupt:
        pass
    finally:
        node.stop()
        rclpy.shutdown()
    return 0


if __name__ == '__main__':
    sys.exit(main())
