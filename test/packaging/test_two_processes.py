"""A message of each type goes to another process over the real middleware and comes back unchanged."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

rclpy = pytest.importorskip('rclpy', reason='rclpy is not installed')
pytest.importorskip('mpn_ros.msg', reason='the messages are not built: make setup, or colcon build')
pytest.importorskip('vision_msgs.msg', reason='vision_msgs is not installed')

from geometry_msgs.msg import Point, Pose, PoseWithCovariance  # noqa: E402
from mpn_ros.msg import (  # noqa: E402
    Keypoint,
    Keypoint3D,
    Skeleton,
    Skeleton3D,
    Skeleton3DArray,
    SkeletonArray,
    SkeletonLayout,
)
from std_msgs.msg import Header  # noqa: E402
from vision_msgs.msg import (  # noqa: E402
    BoundingBox2D,
    Detection2D,
    Detection2DArray,
    LabelInfo,
    ObjectHypothesis,
    ObjectHypothesisWithPose,
    Point2D,
    Pose2D,
    VisionClass,
)

pytestmark = pytest.mark.ros

TIMEOUT = 30.0
"""Seconds for the other process to start and for discovery, on a busy machine."""

ECHO = """
import importlib, rclpy, sys
rclpy.init()
node = rclpy.create_node('echo')
for name in sys.argv[1:]:
    package, _, kind = name.partition('/')
    kind = getattr(importlib.import_module(f'{package}.msg'), kind)
    back = node.create_publisher(kind, f'back/{name}', 1)
    node.create_subscription(kind, f'there/{name}', back.publish, 1)
rclpy.spin(node)
"""


def _header() -> Header:
    header = Header(frame_id='camera')
    header.stamp.sec, header.stamp.nanosec = 1_700_000_000, 123_456_789
    return header


def _skeleton(track: int) -> Skeleton:
    keypoints = [Keypoint(x=i + 0.25, y=2.0 * i, score=i / 16, seen=True) for i in range(Keypoint.COUNT)]
    return Skeleton(id=track, score=0.5, box=[1.0, 2.5, 300.0, 400.0], keypoints=keypoints)


def _skeleton_3d(track: int) -> Skeleton3D:
    keypoints = [
        Keypoint3D(position=Point(x=i + 0.25, y=-1.0, z=3.0), valid=True, score=0.5, spread=0.25, source=i % 3)
        for i in range(Keypoint.COUNT)
    ]
    return Skeleton3D(id=track, score=0.5, torso=keypoints[0], keypoints=keypoints)


def _detection() -> Detection2D:
    hypothesis = ObjectHypothesisWithPose(
        hypothesis=ObjectHypothesis(class_id='person', score=0.75), pose=PoseWithCovariance(pose=Pose())
    )
    box = BoundingBox2D(center=Pose2D(position=Point2D(x=10.5, y=20.5), theta=0.1), size_x=30.0, size_y=40.0)
    return Detection2D(header=_header(), results=[hypothesis], bbox=box, id='7')


MESSAGES = [
    Keypoint(x=1.5, y=-2.0, score=0.25, seen=True),
    _skeleton(Skeleton.NOT_TRACKED),
    SkeletonArray(header=_header(), image_width=1920, image_height=1080, skeletons=[_skeleton(1), _skeleton(2)]),
    Skeleton3DArray(header=_header(), skeletons=[_skeleton_3d(1), _skeleton_3d(2)]),
    SkeletonLayout(names=['nose', 'left_eye'], edges=[0, 1]),
    Detection2DArray(header=_header(), detections=[_detection()]),
    LabelInfo(header=_header(), class_map=[VisionClass(class_id=1, class_name='person')], threshold=0.5),
]


def _name(message: Any) -> str:
    return f'{type(message).__module__.partition(".")[0]}/{type(message).__name__}'


@pytest.fixture(scope='module')
def node() -> Iterator[Any]:
    """A node in this process, with the echo in another."""
    echo = subprocess.Popen([sys.executable, '-c', ECHO, *map(_name, MESSAGES)])
    rclpy.init()
    yield rclpy.create_node('origin')
    rclpy.shutdown()
    echo.terminate()
    echo.wait(60)


@pytest.mark.parametrize('message', MESSAGES, ids=_name)
def test_there_and_back(message: Any, node: Any) -> None:
    received = []
    node.create_subscription(type(message), f'back/{_name(message)}', received.append, 1)
    publisher = node.create_publisher(type(message), f'there/{_name(message)}', 1)
    deadline = time.monotonic() + TIMEOUT
    while not received and time.monotonic() < deadline:
        publisher.publish(message)
        rclpy.spin_once(node, timeout_sec=0.1)
    assert received, f'nothing came back within {TIMEOUT} s'
    assert received[0] == message
