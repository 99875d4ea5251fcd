"""From positions in metres to messages, under the image's header."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from geometry_msgs.msg import Point
from std_msgs.msg import Header

from mpn_ros.depth.lifting import Lifted
from mpn_ros.msg import Keypoint3D, Skeleton3D, Skeleton3DArray
from mpn_ros.scene import Person


def skeletons_3d(people: Sequence[Person], lifted: Lifted, source: int, header: Header) -> Skeleton3DArray:
    """The people of a scene with the positions ``lifted`` of them; ``source`` is Keypoint3D.MEASURED or ESTIMATED."""
    torso = lifted.torso()
    return Skeleton3DArray(header=header, skeletons=[
        Skeleton3D(id=Skeleton3D.NOT_TRACKED if person.id is None else person.id, score=float(person.score),
                   torso=_keypoint(torso.points[i, 0], torso.spread[i, 0], person.score, source),
                   keypoints=[_keypoint(point, spread, score, source) for point, spread, score in
                              zip(lifted.points[i], lifted.spread[i], person.keypoints[:, 2], strict=True)])
        for i, person in enumerate(people)])


def _keypoint(point: np.ndarray, spread: float, score: float, source: int) -> Keypoint3D:
    x, y, z = point.tolist()
    valid = math.isfinite(x + y + z)
    return Keypoint3D(position=Point(x=x, y=y, z=z), valid=valid, score=float(score), spread=float(spread),
                      source=source if valid else Keypoint3D.NONE)
