"""One camera of the node: its input, the tracker of its people, and its outputs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from rclpy.lifecycle import LifecycleNode

from mpn_ros.parameters import Parameters
from mpn_ros.result import PoseResult
from mpn_ros.ros.camera_input import CameraInput
from mpn_ros.ros.camera_topics import CameraTopics
from mpn_ros.ros.outputs import make_outputs
from mpn_ros.ros.outputs.hri import HriPublisher
from mpn_ros.ros.outputs.output import image_time
from mpn_ros.serving.frames import DecodedFrame, Frame
from mpn_ros.serving.statistics import FrameStatistics
from mpn_ros.tracking.image_clock import ImageClock
from mpn_ros.tracking.smoothing import KeypointSmoother
from mpn_ros.tracking.tracker import Tracker


class Camera:
    """The topics of the camera ``name`` on ``node``; ``''`` is the one in the node's own namespace.

    bridge: a CvBridge or None, see ``decode_image``. hri: what publishes the people of all cameras by REP-155, or None.
    segments: whether there are masks to publish.
    """

    def __init__(
        self,
        node: LifecycleNode,
        name: str,
        settings: Parameters,
        bridge: Any,
        hri: HriPublisher | None,
        segments: bool,
    ) -> None:
        self.name, self.statistics = name, FrameStatistics()
        self.topics = CameraTopics(node, name)
        self.input = CameraInput(self.topics, settings, self.statistics, bridge)
        self.outputs = make_outputs(self.topics, self.input.calibration, self.statistics, settings, hri, segments)
        self._tracker, self._clock, self._tracking = Tracker(), ImageClock(), threading.Lock()
        self._smoother, self._published = KeypointSmoother(), ImageClock()
        self._since_whole = 0

    def open(self, submit: Callable[[Camera, Frame], None]) -> None:
        """Says what the results mean and subscribes; each image goes to ``submit``."""
        self.statistics.reset()
        for output in self.outputs:
            output.open()
        self.input.open(lambda frame: submit(self, frame))

    def close(self) -> None:
        """Unsubscribes; does nothing if it is not open."""
        self.topics.unsubscribe()
        self.input.calibration.forget()

    def destroy(self) -> None:
        """Gives all topics back."""
        self.topics.destroy()

    def decode(self, frame: Frame) -> DecodedFrame:
        """The image in a message. Raises ImageError."""
        return self.input.decode(frame)

    def expected(self, frame: DecodedFrame) -> np.ndarray | None:
        """Where the people who are followed should be, between two images that are looked at as a whole; None where it
        is time for one of these, by the parameter ``full_look_every``, or nobody is followed."""
        self._since_whole += 1
        if frame.settings.track and self._since_whole < frame.settings.full_look_every:
            with self._tracking:
                boxes = self._tracker.expected(image_time(self._clock, frame))
            if len(boxes):
                return boxes
        self._since_whole = 0
        return None

    def track(self, frame: DecodedFrame, result: PoseResult) -> PoseResult:
        """The people of ``result`` with the ids that they had before, if the parameter ``track`` is on."""
        settings = frame.settings
        if not settings.track:
            return result
        tracker = self._tracker
        with self._tracking:
            tracker.timeout, tracker.new_track_threshold = settings.track_timeout, settings.new_track_threshold
            return tracker.update(result, image_time(self._clock, frame))

    def publish(self, frame: DecodedFrame, result: PoseResult) -> None:
        """Sends the result on every output, under the image's header."""
        shown = result
        if frame.settings.smoothing == 'all':
            shown = self._smoother.smooth(result, image_time(self._published, frame))
        for output in self.outputs:
            output.publish(frame, result if output.smooths_itself else shown)
