"""The keypoints of the people."""

from __future__ import annotations

from mpn_ros.msg import SkeletonArray, SkeletonLayout
from mpn_ros.result import PoseResult
from mpn_ros.ros import messages
from mpn_ros.ros.camera_topics import CameraTopics
from mpn_ros.ros.outputs.output import Output
from mpn_ros.ros.qos import LATCHED_QOS
from mpn_ros.serving.frames import DecodedFrame


class Skeletons(Output):
    """``skeletons``: keypoints, boxes, scores and ids; and once ``skeleton_layout``, what the keypoints are."""

    def __init__(self, topics: CameraTopics) -> None:
        self._skeletons = topics.publisher(SkeletonArray, 'skeletons')
        self._layout = topics.publisher(SkeletonLayout, 'skeleton_layout', LATCHED_QOS)

    def open(self) -> None:
        """Sends the layout."""
        self._layout.publish(messages.skeleton_layout())

    def publish(self, frame: DecodedFrame, result: PoseResult) -> None:
        """Always, also where nobody is."""
        self._skeletons.publish(messages.skeletons(result, frame.header))
