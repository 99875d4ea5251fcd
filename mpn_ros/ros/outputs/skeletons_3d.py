"""The keypoints of the people in metres."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from geometry_msgs.msg import Point
from std_msgs.msg import Header

from mpn_ros.depth.back_projection import Keypoints3D
from mpn_ros.msg import Keypoint3D, Skeleton3D, Skeleton3DArray
from mpn_ros.result import Person
from mpn_ros.ros.camera_topics import CameraTopics
from mpn_ros.ros.outputs.spatial_output import Located, SpatialOutput


class Skeletons3D(SpatialOutput):
    """``skeletons_3d``: keypoints and trunks in the camera's optical frame."""

    def __init__(self, topics: CameraTopics) -> None:
        self._publisher = topics.publisher(Skeleton3DArray, 'skeletons_3d')

    def publish(self, located: Located) -> None:
        """Always, also where nobody is."""
        self._publisher.publish(skeletons_3d(located.people, located.keypoints, located.source, located.header))


def skeletons_3d(people: Sequence[Person], keypoints: Keypoints3D, source: int, header: Header) -> Skeleton3DArray:
    """The message for ``people`` at ``keypoints``; ``source`` is Keypoint3D.MEASURED or ESTIMATED."""
    torso = keypoints.torso()
    return Skeleton3DArray(
        header=header,
        skeletons=[
            Skeleton3D(
                id=Skeleton3D.NOT_TRACKED if person.id is None else person.id,
                score=float(person.score),
                torso=_keypoint(torso.points[i, 0], torso.spread[i, 0], person.score, source),
                keypoints=[
                    _keypoint(point, spread, score, source)
                    for point, spread, score in zip(
                        keypoints.points[i], keypoints.spread[i], person.keypoints[:, 2], strict=True
                    )
                ],
            )
            for i, person in enumerate(people)
        ],
    )


def _keypoint(point: np.ndarray, spread: float, score: float, source: int) -> Keypoint3D:
    x, y, z = point.tolist()
    valid = math.isfinite(x + y + z)
    return Keypoint3D(
        position=Point(x=x, y=y, z=z),
        valid=valid,
        score=float(score),
        spread=float(spread),
        source=source if valid else Keypoint3D.NONE,
    )
