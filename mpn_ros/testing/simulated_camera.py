"""A clip played to the node as a camera would, and everything that comes back: what ``make demo`` and benchmarks
measure."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray, LabelInfo

from mpn_ros.messages import serialize_image
from mpn_ros.msg import SkeletonArray, SkeletonLayout
from mpn_ros.resources import share_directory
from mpn_ros.result import PoseResult
from mpn_ros.ros import messages
from mpn_ros.ros.qos import IMAGE_QOS
from mpn_ros.ros.shared_memory import profiles_variable
from mpn_ros.testing.domain import reserve_domain

_held: list[socket.socket] = []  # until this process ends


def isolate_domain() -> None:
    """Keeps this process, and those that it will start, to themselves: they find each other and nobody else on the
    network, and pass large images. Before ``rclpy.init``."""
    domain, lock = reserve_domain()
    _held.append(lock)
    os.environ.update(ROS_DOMAIN_ID=str(domain), ROS_AUTOMATIC_DISCOVERY_RANGE='LOCALHOST')
    profile = share_directory() / 'config' / 'fastdds_large_images.xml'
    os.environ.setdefault(profiles_variable(), str(profile))


@contextmanager
def spin_in_background(*nodes: Node) -> Iterator[None]:
    """A thread answers for the nodes until the end, when they are destroyed."""
    executor, done = SingleThreadedExecutor(), threading.Event()
    for node in nodes:
        executor.add_node(node)

    def spin() -> None:
        while not done.is_set():
            executor.spin_once(timeout_sec=0.1)

    thread = threading.Thread(target=spin)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        for node in nodes:
            node.destroy_node()


@dataclass
class ReceivedResult:
    """What has come back for one image; ``latency`` in seconds from its publication to the last of the three.
    ``segments``: whether a mask is to come."""

    detections: Detection2DArray | None = None
    skeletons: SkeletonArray | None = None
    mask: Image | None = None
    latency: float = 0.0
    segments: bool = True

    @property
    def complete(self) -> bool:
        """Whether boxes, skeletons and mask are there."""
        return None not in (self.detections, self.skeletons) and (self.mask is not None or not self.segments)

    def result(self) -> PoseResult:
        """The answer as the library speaks of it."""
        assert self.skeletons is not None
        return messages.to_result(self.skeletons, self.mask)


@dataclass
class PlaybackLog:
    """All images sent, by number, and the answers to them; ``seconds`` from the first publication to the last
    receipt."""

    sent: list[float] = field(default_factory=list)
    results: dict[int, ReceivedResult] = field(default_factory=dict)
    seconds: float = 0.0

    def complete(self) -> dict[int, ReceivedResult]:
        """The answers of which all three parts came."""
        return {number: answer for number, answer in sorted(self.results.items()) if answer.complete}

    def summary(self, diagnostics: dict[str, str]) -> dict[str, object]:
        """The content of demo/summary.json. ``diagnostics`` has the values of /diagnostics by key."""
        answers = self.complete().values()
        people = [len(answer.skeletons.skeletons) for answer in answers if answer.skeletons]
        latency = None
        if answers:
            figures = np.percentile([answer.latency * 1e3 for answer in answers], [50, 95, 99]).round(1).tolist()
            latency = dict(zip(('p50', 'p95', 'p99'), figures, strict=True))
        sending = self.sent[-1] - self.sent[0] if self.sent else 0.0
        return {
            'frames_sent': len(self.sent),
            'frames_answered': len(answers),
            'camera_hz': round((len(self.sent) - 1) / sending, 1) if sending else None,
            'people_mean': round(float(np.mean(people)), 2) if people else 0.0,
            'people_max': max(people, default=0),
            'latency_ms': latency,
            'fps': round(len(answers) / self.seconds, 2) if self.seconds else 0.0,
            'backend': diagnostics.get('backend'),
            'weights': diagnostics.get('weights'),
        }


class SimulatedCamera:
    """Is the ``camera`` of the node ``pose`` in ``node``'s namespace: sends images on its ``image_raw`` and listens to
    all that is said of them. ``''`` is the camera in the namespace itself."""

    def __init__(self, node: Node, camera: str = '') -> None:
        self._node, self._camera_name = node, camera
        within = f'{camera}/' if camera else ''
        self._lock = threading.Lock()
        self._numbers: dict[tuple[int, int], int] = {}
        self.log = PlaybackLog()
        self.diagnostics: dict[str, str] = {}
        self.overlay: Image | None = None
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self._camera: Publisher = node.create_publisher(Image, f'{within}image_raw', IMAGE_QOS)
        for kind, topic in ((Detection2DArray, 'detections'), (SkeletonArray, 'skeletons'), (Image, 'mask')):
            node.create_subscription(kind, within + topic, partial(self._result_callback, topic), 10)
        self.once: dict[str, object] = {}
        for kind, topic in ((LabelInfo, 'label_info'), (SkeletonLayout, 'skeleton_layout')):
            node.create_subscription(kind, within + topic, partial(self.once.__setitem__, topic), latched)
        node.create_subscription(DiagnosticArray, '/diagnostics', self._diagnostics_callback, 10)

    def _diagnostics_callback(self, message: DiagnosticArray) -> None:
        name = f'{self._node.get_namespace().rstrip("/")}/pose'
        if self._camera_name:
            name += f': {self._camera_name}'
        for status in message.status:
            if status.name == name:
                self.diagnostics = {pair.key: pair.value for pair in status.values}

    def _result_callback(self, part: str, message: Detection2DArray | SkeletonArray | Image) -> None:
        now = time.monotonic()
        stamp = message.header.stamp
        with self._lock:
            number = self._numbers.get((stamp.sec, stamp.nanosec))
            if number is None:  # an image that is not in the log
                return
            answer = self.log.results.setdefault(number, ReceivedResult(segments=self._segments))
            setattr(answer, part, message)
            answer.latency = now - self.log.sent[number]
            self.log.seconds = now - self.log.sent[0]

    def ready(self) -> bool:
        """Whether the node listens to the camera and has told who it is."""
        return bool(self.listened_to() and self.diagnostics and len(self.once) == 1 + self._segments)

    def listened_to(self) -> bool:
        """Whether somebody listens to the camera."""
        return self._camera.get_subscription_count() > 0

    @property
    def _segments(self) -> bool:
        """Whether there is a mask: diagnostics tell of a network that has none."""
        return 'mask' not in self.diagnostics

    def play(self, images: Iterable[np.ndarray], rate: float, alive: Callable[[], bool]) -> None:
        """Sends each image ``(H, W, 3)`` BGR at ``rate`` a second, whether or not the node keeps up, until ``alive()``
        is false."""
        start = time.monotonic()
        for number, image in enumerate(images):
            time.sleep(max(0.0, start + number / rate - time.monotonic()))
            if not alive():
                return
            self.send(image)

    def send(self, image: np.ndarray, stamp: Time | None = None) -> int:
        """Sends one image ``(H, W, 3)`` BGR, stamped with now or with ``stamp``, which must not come twice. Returns its
        number in the log."""
        stamp = stamp or self._node.get_clock().now().to_msg()
        message = self._message(image, stamp)
        with self._lock:
            number = len(self.log.sent)
            self._numbers[stamp.sec, stamp.nanosec] = number
            self.log.sent.append(time.monotonic())
        self._camera.publish(message)
        return number

    def _message(self, image: np.ndarray, stamp: Time) -> bytes:
        return serialize_image(image, 'bgr8', Header(stamp=stamp, frame_id='camera'))

    def send_until_received(
        self, image: np.ndarray, kind: type, topic: str, timeout: float, alive: Callable[[], bool]
    ) -> Any:
        """Sends ``image`` until a message of type ``kind`` comes on ``topic``. The log keeps nothing of it.

        Use it to let the node prepare itself for images of this size, or to get one image of the overlay.

        Args:
            image: ``(H, W, 3)`` uint8, BGR.
            timeout: seconds after which the answer is None, as when ``alive()`` is false.
        """
        came: list[Any] = []
        subscription = self._node.create_subscription(kind, topic, came.append, IMAGE_QOS)
        end = time.monotonic() + timeout
        while not came and alive() and time.monotonic() < end:
            self._camera.publish(self._message(image, self._node.get_clock().now().to_msg()))
            time.sleep(0.2)
        self._node.destroy_subscription(subscription)
        return came[0] if came else None
