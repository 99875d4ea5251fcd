#!/usr/bin/env python3
"""Tells who raises a hand: people on ``skeletons`` in, the person's id on ``hand_raised`` out, once for each raising.

ros2 run mpn_ros raised_hand.py --ros-args -p hold:=1.0
"""

from __future__ import annotations

import math
import sys

import rclpy
from mpn_ros.msg import Keypoint, Skeleton, SkeletonArray
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.time import Time
from std_msgs.msg import Int32

ARMS = (
    (Keypoint.LEFT_SHOULDER, Keypoint.LEFT_ELBOW, Keypoint.LEFT_WRIST),
    (Keypoint.RIGHT_SHOULDER, Keypoint.RIGHT_ELBOW, Keypoint.RIGHT_WRIST),
)
HIGH = 0.5
"""How far the wrist is above the shoulder at least, as a part of the upper arm's length in the image."""


def raises_hand(person: Skeleton, min_score: float) -> bool:
    """Whether a hand is above its shoulder; keypoints that are not seen, or less sure than ``min_score``, are not."""
    for arm in ARMS:
        shoulder, elbow, wrist = (person.keypoints[keypoint] for keypoint in arm)
        # Always ask for ``seen`` first: the position of an unseen keypoint is NaN.
        if not all(keypoint.seen and keypoint.score >= min_score for keypoint in (shoulder, elbow, wrist)):
            continue
        upper_arm = math.hypot(elbow.x - shoulder.x, elbow.y - shoulder.y)
        if shoulder.y - wrist.y > HIGH * upper_arm and wrist.y < elbow.y:  # y points down
            return True
    return False


class RaisedHand(Node):
    """Publishes the id of everybody who has held a hand up for ``hold`` seconds of the camera's time."""

    def __init__(self, **options) -> None:
        super().__init__('raised_hand', **options)
        self.declare_parameter('hold', 0.5)
        self.declare_parameter('min_score', 0.3)
        self._since: dict[int, float] = {}
        self._told: set[int] = set()
        self._last = 0.0
        self._events = self.create_publisher(Int32, 'hand_raised', 10)
        self.create_subscription(SkeletonArray, 'skeletons', self._hear, 10)

    def _hear(self, people: SkeletonArray) -> None:
        now = Time.from_msg(people.header.stamp).nanoseconds / 1e9
        if now < self._last:  # the camera's time has gone back, as when a bag begins again
            self._since.clear()
        self._last = now
        min_score = self.get_parameter('min_score').value
        up = {
            person.id
            for person in people.skeletons
            if person.id != Skeleton.NOT_TRACKED and raises_hand(person, min_score)
        }
        self._since = {id: self._since.get(id, now) for id in up}
        self._told &= up
        for id, since in self._since.items():
            if now - since >= self.get_parameter('hold').value and id not in self._told:
                self._told.add(id)
                self.get_logger().info(f'person {id} raises a hand')
                self._events.publish(Int32(data=id))


def main() -> int:
    """Runs until a signal comes."""
    rclpy.init()
    try:
        rclpy.spin(RaisedHand())
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    rclpy.try_shutdown()
    return 0


if __name__ == '__main__':
    sys.exit(main())
