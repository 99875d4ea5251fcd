"""From a result to rclpy's messages, and back."""

from __future__ import annotations

from array import array
from functools import partial
from types import SimpleNamespace

import builtin_interfaces.msg
import geometry_msgs.msg
import numpy as np
import std_msgs.msg
import vision_msgs.msg
from sensor_msgs.msg import Image

import mpn_ros.msg
from mpn_ros.messages import CLASSES, NOT_TRACKED, MessageBuilder
from mpn_ros.msg import Skeleton, SkeletonArray
from mpn_ros.result import Person, PoseResult

_PACKAGES = builtin_interfaces, geometry_msgs, mpn_ros, std_msgs, vision_msgs
_builder = MessageBuilder(
    SimpleNamespace(
        octets=partial(array, 'B'),
        **{name: getattr(package.msg, name) for package in _PACKAGES for name in CLASSES[package.__name__]},
    )
)

detections, skeletons = _builder.detections, _builder.skeletons
label_info, instance_label_info = _builder.label_info, _builder.instance_label_info
skeleton_layout = _builder.skeleton_layout


def to_result(people: SkeletonArray, mask: Image | None) -> PoseResult:
    """The inverse: what a listener has received, as the library speaks of it; ``mask`` is None where there is none."""
    size = people.image_width, people.image_height
    return PoseResult(to_people(people), None if mask is None else to_mask(mask), size)


def to_people(people: SkeletonArray) -> tuple[Person, ...]:
    """The people of a result."""
    return tuple(_person(skeleton) for skeleton in people.skeletons)


def to_mask(mask: Image) -> np.ndarray:
    """The mask ``(H, W)`` of a result, from a message in mono8."""
    return np.frombuffer(mask.data, np.uint8).reshape(mask.height, mask.step)[:, : mask.width]


def _person(skeleton: Skeleton) -> Person:
    keypoints = np.array([(point.x, point.y, point.score) for point in skeleton.keypoints], np.float32)
    followed = skeleton.id if skeleton.id != NOT_TRACKED else None
    return Person(np.array(skeleton.box, np.float32), skeleton.score, keypoints, followed)
