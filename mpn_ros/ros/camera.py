"""One camera on the middleware: the topic that it sends and the topics that answer it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from typing import Any

import numpy as np
from rclpy.lifecycle import LifecycleNode, LifecyclePublisher
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.subscription import Subscription
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray, LabelInfo
from visualization_msgs.msg import MarkerArray

from mpn_ros.camera_model import CameraModel
from mpn_ros.decoding.compressed import decode_compressed
from mpn_ros.decoding.raw import decode_image
from mpn_ros.errors import CalibrationError, ParameterError
from mpn_ros.msg import Skeleton3DArray, SkeletonArray, SkeletonLayout
from mpn_ros.parameters import Parameters, within
from mpn_ros.pipeline.draw import draw
from mpn_ros.ros import messages
from mpn_ros.ros.body_frames import tf_message
from mpn_ros.ros.camera_info import camera_model, info_topic
from mpn_ros.ros.humans import Humans
from mpn_ros.ros.markers import markers, on_rays
from mpn_ros.ros.positions import Positions
from mpn_ros.ros.serialized import read_compressed_image, read_image, write_image
from mpn_ros.scene import Person, Scene
from mpn_ros.serving.frames import Decoded, Frame
from mpn_ros.serving.statistics import Counters
from mpn_ros.tracking.tracker import Tracker

NEWEST = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=1, reliability=ReliabilityPolicy.BEST_EFFORT,
                          durability=DurabilityPolicy.VOLATILE)
"""As SensorDataQoS, which matches every publisher, but of depth 1: what waits is old."""
DEPTH = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=5, reliability=ReliabilityPolicy.BEST_EFFORT,
                   durability=DurabilityPolicy.VOLATILE)
"""As SensorDataQoS: any of the newest may be the one that belongs to the image at hand."""
ANSWERS = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=5, reliability=ReliabilityPolicy.RELIABLE,
                     durability=DurabilityPolicy.VOLATILE)
FRAMES = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=100, reliability=ReliabilityPolicy.RELIABLE,
                    durability=DurabilityPolicy.VOLATILE)
"""As tf2's own broadcaster."""
LATCHED = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=1, reliability=ReliabilityPolicy.RELIABLE,
                     durability=DurabilityPolicy.TRANSIENT_LOCAL)


@contextmanager
def _overrides(topic: str) -> Iterator[None]:
    """Makes a sentence of what rclpy raises for an unknown word in the parameters qos_overrides.TOPIC. What is given to
    rclpy inside must be a copy of a profile: it writes the overrides into it."""
    try:
        yield
    except RuntimeError as error:
        raise ParameterError(f"topic '{topic}' cannot be had with its qos_overrides: {error}") from error


def _seconds(header: Header) -> float:
    """The stamp; 0 where there is none."""
    return header.stamp.sec + header.stamp.nanosec / 1e9


class Camera:
    """The topics of the camera ``name`` on ``node``; ``''`` is the one in the node's own namespace.

    ``values()`` are the parameters now; ``bridge`` a CvBridge or None, see ``image.decode_image``; ``humans`` hears of
    each answer if it is not None.
    """

    def __init__(self, node: LifecycleNode, name: str, values: Callable[[], Parameters], bridge: Any,
                 humans: Humans | None) -> None:
        self.name, self.counters = name, Counters()
        self._node, self._values, self._bridge, self._humans = node, values, bridge, humans
        parameters = values()
        compressed = parameters.image_transport == 'compressed'
        self.type = CompressedImage if compressed else Image
        # As image_transport does it: the base name is remapped, then the transport is appended.
        base = node.resolve_topic_name(within(self.name, parameters.image_topic))
        self.topic = f'{base}/compressed' if compressed else base
        self.depth_topic = (node.resolve_topic_name(within(self.name, parameters.depth_topic))
                            if parameters.depth_topic else None)
        self._base, self.info_topic = base, info_topic(base)
        self._info: CameraInfo | None = None
        self._tracker = Tracker()
        self._subscriptions: list[Subscription] = []
        self._publishers: list[LifecyclePublisher] = []
        self._positions = self._place(parameters) if parameters.positions else None
        self._detections = self._publisher(Detection2DArray, 'detections', ANSWERS)
        self._skeletons = self._publisher(SkeletonArray, 'skeletons', ANSWERS)
        self._mask = self._publisher(Image, 'mask', ANSWERS)
        self._overlay = self._publisher(Image, 'overlay', ANSWERS)
        self._markers = self._publisher(MarkerArray, 'markers', ANSWERS)
        self._label_info = self._publisher(LabelInfo, 'label_info', LATCHED)
        self._layout = self._publisher(SkeletonLayout, 'skeleton_layout', LATCHED)

    def _publisher(self, kind: type, topic: str, qos: QoSProfile) -> LifecyclePublisher:
        name = self._node.resolve_topic_name(within(self.name, topic))
        with _overrides(name):
            publisher: LifecyclePublisher = self._node.create_lifecycle_publisher(
                kind, name, copy(qos), qos_overriding_options=QoSOverridingOptions.with_default_policies())
        self._publishers.append(publisher)
        return publisher

    def _place(self, parameters: Parameters) -> Positions:
        frames = self._publisher(tf_message(), '/tf', FRAMES) if parameters.publish_tf else None
        skeletons = self._publisher(Skeleton3DArray, 'skeletons_3d', ANSWERS)
        prefix = f"{self.name.replace('/', '_')}_" if self.name else ''
        return Positions(self._values, self.model, lambda why: self.counters.lack(why), self._draw, skeletons,
                         frames, prefix)

    def open(self, offer: Callable[[Camera, Frame], None]) -> None:
        """Tells listeners what the answers mean and subscribes; each image goes to ``offer``."""
        self.counters = Counters()
        self._label_info.publish(messages.label_info())
        self._layout.publish(messages.skeleton_layout())
        self._subscribe(CameraInfo, self.info_topic, self._learn)
        if self._positions is not None:
            self._positions.forget()
            if self.depth_topic is not None:
                self._subscribe(Image, self.depth_topic, self._positions.hear, DEPTH)
        self._subscribe(self.type, self.topic, lambda data, info: self._receive(offer, data, info), raw=True)

    def _receive(self, offer: Callable[[Camera, Frame], None], data: bytes, info: Mapping[str, Any]) -> None:
        sender = info.get('publisher_gid')  # Jazzy does not tell; then nothing can be counted as missed
        if sender is not None and info['publication_sequence_number'] is not None:
            self.counters.number(bytes(sender['data']), info['publication_sequence_number'])
        offer(self, Frame(data, time.monotonic()))

    def _subscribe(self, kind: type, topic: str, hear: Callable[..., None],
                   qos: QoSProfile = NEWEST, raw: bool = False) -> None:
        with _overrides(topic):
            self._subscriptions.append(self._node.create_subscription(
                kind, topic, hear, copy(qos), raw=raw,
                qos_overriding_options=QoSOverridingOptions.with_default_policies()))

    def _learn(self, info: CameraInfo) -> None:
        self._info = info

    def model(self, width: int, height: int) -> CameraModel:
        """How images of this size are projected. Raises CalibrationError until a ``camera_info`` has come, and for one
        that does not fit."""
        if self._info is None:
            raise CalibrationError(f"nothing has come on '{self.info_topic}', without which there are no positions")
        return camera_model(self._info, self._base, width, height)

    def close(self) -> None:
        """Unsubscribes; does nothing if it is not open."""
        while self._subscriptions:
            self._node.destroy_subscription(self._subscriptions.pop())
        self._info = None

    def destroy(self) -> None:
        """Gives all topics back."""
        self.close()
        for publisher in self._publishers:
            self._node.destroy_lifecycle_publisher(publisher)
        self._publishers.clear()

    @property
    def silent(self) -> bool:
        """Whether nothing has come for ``camera_timeout``."""
        return self.counters.silence > self._values().camera_timeout

    def decode(self, frame: Frame) -> Decoded:
        """The picture in a message; raises ImageError."""
        start = time.monotonic()
        if self.type is CompressedImage:
            compressed = read_compressed_image(frame.data)
            header, picture = compressed.header, decode_compressed(compressed)
        else:
            image = read_image(frame.data)
            header, picture = image.header, decode_image(image, self._bridge)
        now = time.monotonic()
        stamp = _seconds(header)
        age = self._node.get_clock().now().nanoseconds / 1e9 - stamp if stamp else math.nan
        return Decoded(header, picture, frame.received, now - age, now - start)

    def publish(self, decoded: Decoded, scene: Scene) -> None:
        """Sends the answer under the image's header, images only to those who listen."""
        header, picture = decoded.header, decoded.picture
        scene = self._follow(scene, _seconds(header) or decoded.received)
        self._detections.publish(messages.detections(scene, header))
        self._skeletons.publish(messages.skeletons(scene, header))
        if scene.mask is not None and self._values().publish_mask and self._mask.get_subscription_count():
            self._mask.publish(write_image(scene.mask, 'mono8', header))
        if self._overlay.get_subscription_count():
            drawing = draw(picture.array, scene, picture.channel_order)
            self._overlay.publish(write_image(drawing, f'{picture.channel_order}8', header))
        if self._positions is not None:
            self._positions.answer(header, scene)
        elif self._markers.get_subscription_count():
            self._mark(scene, header)
        if self._humans is not None:
            self._humans.publish(self.name, scene, header, self._values().track_timeout)

    def _mark(self, scene: Scene, header: Header) -> None:
        try:
            model = self.model(*scene.image_size)
        except CalibrationError as error:
            self.counters.lack(str(error))
        else:
            self._draw(scene.people, on_rays(scene.keypoints, model, self._values().marker_distance), header)

    def _draw(self, people: Sequence[Person], points: np.ndarray, header: Header) -> None:
        if self._markers.get_subscription_count():
            self._markers.publish(markers(people, points, header, self._values().camera_timeout))

    def _follow(self, scene: Scene, seconds: float) -> Scene:
        values = self._values()
        if not values.track:
            return scene
        self._tracker.timeout, self._tracker.new_score = values.track_timeout, values.new_track_threshold
        return self._tracker.update(scene, seconds)

    def foreign_type(self) -> str | None:
        """A sentence if somebody publishes another type on a topic of images, which the middleware itself passes over
        in silence."""
        for topic, kind, parameters in ((self.topic, self.type, "'image_topic' and 'image_transport'"),
                                        (self.depth_topic, Image, "'depth_topic'")):
            wanted = f'sensor_msgs/msg/{kind.__name__}'
            for publisher in self._node.get_publishers_info_by_topic(topic) if topic else ():
                if publisher.topic_type != wanted:
                    return (f"topic '{topic}' carries {publisher.topic_type} from node '{publisher.node_name}', "
                            f"not {wanted}: look at the parameters {parameters}")
        return None
