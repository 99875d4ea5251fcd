"""What comes from one camera: its images, as their bytes until their turn comes, and its calibration."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from rclpy.subscription import Subscription
from sensor_msgs.msg import CompressedImage, Image

from mpn_ros.decoding.compressed import decode_compressed
from mpn_ros.decoding.raw import decode_image
from mpn_ros.parameters import Parameters
from mpn_ros.ros.camera_info import Calibration
from mpn_ros.ros.camera_topics import CameraTopics
from mpn_ros.ros.qos import IMAGE_QOS
from mpn_ros.ros.serialized import read_compressed_image, read_image
from mpn_ros.serving.frames import DecodedFrame, Frame
from mpn_ros.serving.statistics import FrameStatistics

HAS_MESSAGE_INFO = hasattr(Subscription, 'CallbackType')
"""Whether rclpy tells a callback that takes two arguments who sent the message. Humble's has the message alone."""


class CameraInput:
    """Subscribes to the images of one camera and decodes them.

    settings: the parameters that the next frame takes along; the node replaces them when they change.
    topic: the full name of the image topic, with its transport.
    bridge: a CvBridge or None, see ``decode_image``.
    """

    def __init__(self, topics: CameraTopics, settings: Parameters, statistics: FrameStatistics, bridge: Any) -> None:
        self.settings = settings
        self._topics, self._statistics, self._bridge = topics, statistics, bridge
        self._compressed = settings.image_transport == 'compressed'
        # As image_transport does it: the base name is remapped, then the transport is appended.
        base = topics.resolve(settings.image_topic)
        self.topic = f'{base}/compressed' if self._compressed else base
        self.calibration = Calibration(topics, base)

    def open(self, submit: Callable[[Frame], None]) -> None:
        """Subscribes; each image goes to ``submit``. ``CameraTopics.unsubscribe`` ends it."""
        self.calibration.open()

        def image_callback(data: bytes, info: Mapping[str, Any]) -> None:
            self._track_sequence(info)
            submit(Frame(data, time.monotonic(), self.settings))

        callback = image_callback if HAS_MESSAGE_INFO else partial(image_callback, info={})
        self._topics.subscribe(
            CompressedImage if self._compressed else Image,
            self.topic,
            callback,
            IMAGE_QOS,
            raw=True,
            parameters="'image_topic' and 'image_transport'",
        )

    def _track_sequence(self, info: Mapping[str, Any]) -> None:
        sender = info.get('publisher_gid')  # Humble and Jazzy do not tell; then nothing can be counted as missed
        if sender is not None and info['publication_sequence_number'] is not None:
            self._statistics.track_sequence(bytes(sender['data']), info['publication_sequence_number'])

    def decode(self, frame: Frame) -> DecodedFrame:
        """The image in a message. Raises ImageError."""
        start = time.monotonic()
        if self._compressed:
            compressed = read_compressed_image(frame.data)
            header, image = compressed.header, decode_compressed(compressed)
        else:
            raw = read_image(frame.data)
            header, image = raw.header, decode_image(raw, self._bridge)
        now = time.monotonic()
        stamp = header.stamp.sec + header.stamp.nanosec / 1e9
        age = self._topics.node.get_clock().now().nanoseconds / 1e9 - stamp if stamp else math.nan
        return DecodedFrame(header, image, frame.received, now - age, now - start, frame.settings)
