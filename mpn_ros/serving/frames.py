"""A frame: one image of a camera on its way to a result. Times are in seconds, on the monotonic clock."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np

from mpn_ros.decoding.raw import DecodedImage
from mpn_ros.parameters import Parameters
from mpn_ros.result import PoseResult
from mpn_ros.serving.statistics import FrameStatistics


class Frame(NamedTuple):
    """An image message as it came: its bytes, when, and the parameters of that moment, which hold for it to the end."""

    data: Any
    received: float
    settings: Parameters


class DecodedFrame(NamedTuple):
    """The image of a frame, under its message's header.

    stamped: the time of its stamp on the monotonic clock, NaN where it has none.
    decode_seconds: how long decoding took.
    """

    header: Any
    image: DecodedImage
    received: float
    stamped: float
    decode_seconds: float
    settings: Parameters


class CameraStream(Protocol):
    """A camera as the worker sees it: it decodes its own frames, follows its people and publishes its results."""

    name: str
    statistics: FrameStatistics

    def decode(self, frame: Frame) -> DecodedFrame:
        """Raises ImageError where the message is no image."""

    def expected(self, frame: DecodedFrame) -> np.ndarray | None:
        """The boxes ``(P, 4)`` of the people who alone are to be looked for in the image; None for everybody."""

    def track(self, frame: DecodedFrame, result: PoseResult) -> PoseResult:
        """The result with ids. Results come in the order in which inference took their frames."""

    def publish(self, frame: DecodedFrame, result: PoseResult) -> None:
        """Sends the result."""
