"""The boxes of the people."""

from __future__ import annotations

from vision_msgs.msg import Detection2DArray

from mpn_ros.result import PoseResult
from mpn_ros.ros import messages
from mpn_ros.ros.camera_topics import CameraTopics
from mpn_ros.ros.outputs.output import Output
from mpn_ros.serving.frames import DecodedFrame


class Detections(Output):
    """``detections``: boxes, scores and ids."""

    def __init__(self, topics: CameraTopics) -> None:
        self._publisher = topics.publisher(Detection2DArray, 'detections')

    def publish(self, frame: DecodedFrame, result: PoseResult) -> None:
        """Always, also where nobody is."""
        self._publisher.publish(messages.detections(result, frame.header))
