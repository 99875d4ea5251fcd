"""What all outputs have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod

from mpn_ros.result import PoseResult
from mpn_ros.serving.frames import DecodedFrame
from mpn_ros.tracking.image_clock import ImageClock


class Output(ABC):
    """Publishes something of each result of one camera. Its topics belong to the ``CameraTopics`` that it is made
    with, which give them back."""

    smooths_itself = False
    """Whether it takes keypoints as they were found, and applies the parameter ``smoothing`` by itself."""

    def open(self) -> None:  # noqa: B027  most outputs have nothing to do
        """The camera begins to listen: say what is said once, and forget what was before."""

    @abstractmethod
    def publish(self, frame: DecodedFrame, result: PoseResult) -> None:
        """Sends what there is to say of ``result``, under ``frame.header`` and by ``frame.settings``."""


def image_time(clock: ImageClock, frame: DecodedFrame) -> float:
    """When the image of a frame was taken, in seconds on ``clock``."""
    stamp = frame.header.stamp
    return clock.time(stamp.sec + stamp.nanosec / 1e9, frame.received)
