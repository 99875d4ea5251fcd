"""The image with its people drawn on it."""

from __future__ import annotations

from sensor_msgs.msg import Image

from mpn_ros.messages import serialize_image
from mpn_ros.pipeline.draw import draw
from mpn_ros.result import PoseResult
from mpn_ros.ros.camera_topics import CameraTopics
from mpn_ros.ros.outputs.output import Output
from mpn_ros.serving.frames import DecodedFrame


class Overlay(Output):
    """``overlay``: the image with mask, boxes and skeletons."""

    def __init__(self, topics: CameraTopics) -> None:
        self._publisher = topics.publisher(Image, 'overlay')

    def publish(self, frame: DecodedFrame, result: PoseResult) -> None:
        """While somebody listens."""
        if self._publisher.get_subscription_count():
            array, order = frame.image
            self._publisher.publish(serialize_image(draw(array, result, order), f'{order}8', frame.header))
