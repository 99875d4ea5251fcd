"""What the node ``pose`` says, handed to the page of ``mpn view``."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from rclpy.signals import SignalHandlerOptions
from rclpy.time import Time
from sensor_msgs.msg import CompressedImage, Image

from mpn_ros.decoding.compressed import decode_compressed
from mpn_ros.decoding.raw import decode_image
from mpn_ros.msg import SkeletonArray
from mpn_ros.parameters import Parameters, camera_topic
from mpn_ros.ros import messages
from mpn_ros.serving.synchronizer import StampSynchronizer
from mpn_ros.view.annotated_frame import AnnotatedFrame
from mpn_ros.view.channel import Channel
from mpn_ros.view.server import ViewServer

KEPT = 16
"""Images, results and masks that wait for each other: half a second at 30 Hz, longer than a result takes."""
POLL = 0.1
"""Seconds between two looks at whether a signal has come."""


def image_topics(parameters: Parameters) -> dict[str, str]:
    """The image topic of each camera, without its transport: its name on the page."""
    return {camera: camera_topic(camera, parameters.image_topic) for camera in parameters.cameras}


class ViewNode(Node):
    """Listens to images and answers of a node ``pose`` in the root namespace with these ``parameters``: its cameras,
    image topic and transport. All of it is best effort: a slow computer that looks on does not hold the robot up."""

    def __init__(self, parameters: Parameters, channels: Mapping[str, Channel]) -> None:
        super().__init__('mpn_view')
        compressed = parameters.image_transport == 'compressed'
        self._decode = decode_compressed if compressed else decode_image
        for camera, topic in image_topics(parameters).items():
            # A mask comes last, or never. Images may come after their results, over another connection.
            callback = partial(
                self._callback, StampSynchronizer(['image'], ['instance_mask'], KEPT, KEPT), channels[topic]
            )
            for part, kind, source in (
                ('image', CompressedImage if compressed else Image, f'{topic}/compressed' if compressed else topic),
                ('skeletons', SkeletonArray, camera_topic(camera, 'skeletons')),
                ('instance_mask', Image, camera_topic(camera, 'instance_mask')),
            ):
                self.create_subscription(kind, source, partial(callback, part), qos_profile_sensor_data)

    def _callback(self, synchronizer: StampSynchronizer, channel: Channel, part: str, message: Any) -> None:
        if part == 'image':
            channel.image()
        stamp = Time.from_msg(message.header.stamp).nanoseconds
        matches = (
            synchronizer.add(message, stamp) if part == 'skeletons' else synchronizer.add_part(part, message, stamp)
        )
        for people, parts, _ in matches[-1:]:
            if 'image' in parts:
                channel.show(self._frame(people, parts['image'], parts.get('instance_mask')))

    def _frame(self, people: SkeletonArray, image: Any, mask: Image | None) -> AnnotatedFrame:
        stamp = Time.from_msg(people.header.stamp).nanoseconds
        age = (self.get_clock().now().nanoseconds - stamp) / 1e9 if stamp else None
        return AnnotatedFrame(
            partial(self._decode, image),
            (people.image_width, people.image_height),
            messages.to_people(people),
            None if mask is None else messages.to_mask(mask),
            age,
        )


def serve(parameters: Parameters, host: str, port: int, log: Callable[[str], None]) -> None:
    """Serves the page until SIGINT or SIGTERM; ``log`` gets its address. Raises ParameterError where it cannot be
    served."""
    # rclpy's own handlers end its context under our feet.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt), ViewServer(list(image_topics(parameters).values()), host, port) as server:
        rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
        try:
            node = ViewNode(parameters, server.channels)
            executor = SingleThreadedExecutor()
            executor.add_node(node)
            log(server.url)
            while True:
                executor.spin_once(timeout_sec=POLL)
        finally:
            rclpy.try_shutdown()
