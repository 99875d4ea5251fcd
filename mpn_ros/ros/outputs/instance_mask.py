"""The pixels of each person."""

from __future__ import annotations

from sensor_msgs.msg import Image
from vision_msgs.msg import LabelInfo

from mpn_ros.messages import serialize_image
from mpn_ros.result import PoseResult
from mpn_ros.ros import messages
from mpn_ros.ros.camera_topics import CameraTopics
from mpn_ros.ros.outputs.output import Output
from mpn_ros.ros.qos import LATCHED_QOS
from mpn_ros.serving.frames import DecodedFrame


class InstanceMask(Output):
    """``instance_mask``: n on the n-th person of ``skeletons``; and once ``instance_label_info``, what its values
    mean."""

    def __init__(self, topics: CameraTopics) -> None:
        self._mask = topics.publisher(Image, 'instance_mask')
        self._label_info = topics.publisher(LabelInfo, 'instance_label_info', LATCHED_QOS)

    def open(self) -> None:
        """Sends the meaning of the values."""
        self._label_info.publish(messages.instance_label_info())

    def publish(self, frame: DecodedFrame, result: PoseResult) -> None:
        """While somebody listens, unless ``publish_mask`` is off; it is not even made for nobody."""
        if frame.settings.publish_mask and self._mask.get_subscription_count():
            mask = result.instance_mask
            if mask is not None:
                self._mask.publish(serialize_image(mask, 'mono8', frame.header))
