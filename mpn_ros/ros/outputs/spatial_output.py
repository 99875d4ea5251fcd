"""What all outputs that show people in metres have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

from std_msgs.msg import Header

from mpn_ros.depth.back_projection import Keypoints3D
from mpn_ros.parameters import Parameters
from mpn_ros.result import Person


class Located(NamedTuple):
    """The people of one image in metres.

    keypoints: in the optical frame of ``header``.
    source: how they were found, of the constants of ``Keypoint3D``.
    """

    header: Header
    people: tuple[Person, ...]
    keypoints: Keypoints3D
    source: int
    settings: Parameters


class SpatialOutput(ABC):
    """Publishes something of the people of each image in metres."""

    @property
    def wanted(self) -> bool:
        """Whether it would be published now: else nobody need find the people in space."""
        return True

    @abstractmethod
    def publish(self, located: Located) -> None:
        """Sends what there is to say of ``located``, under its header."""
