"""What a worker knows of cameras and of their images on the way to an answer. Times are monotonic, in seconds."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from mpn_ros.decoding.raw import DecodedImage
from mpn_ros.scene import Scene
from mpn_ros.serving.statistics import Counters


class Frame(NamedTuple):
    """An image message as it came, serialised, and when."""

    data: Any
    received: float


class Decoded(NamedTuple):
    """The picture in a frame, under its message's header. ``stamped``: the time of its stamp, NaN where it has none;
    ``seconds`` that decoding took."""

    header: Any
    picture: DecodedImage
    received: float
    stamped: float
    seconds: float


class Source(Protocol):
    """Where frames come from and answers go: a camera."""

    name: str
    counters: Counters

    @property
    def silent(self) -> bool:
        """Whether no frame is to be expected from it."""

    def decode(self, frame: Frame) -> Decoded:
        """Raises ImageError."""

    def publish(self, decoded: Decoded, scene: Scene) -> None:
        """Sends the answer."""
