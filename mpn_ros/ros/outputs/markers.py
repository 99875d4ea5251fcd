"""People in space as RViz draws them: bones, keypoints and ids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point, Vector3
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from mpn_ros.pipeline.draw import BOX, SIDES, body_side
from mpn_ros.result import Person
from mpn_ros.ros.camera_topics import CameraTopics
from mpn_ros.ros.outputs.spatial_output import Located, SpatialOutput
from mpn_ros.skeleton import COCO, SkeletonLayout

BONE, KEYPOINT, TEXT = 0.008, 0.014, 0.06
"""Thickness of bones and keypoints and height of an id, as fractions of the distance: seen from the camera, near and
far people are drawn alike."""
COLOURS = {name: ColorRGBA(r=r / 255, g=g / 255, b=b / 255, a=1.0) for name, (b, g, r) in {**SIDES, 'id': BOX}.items()}


class Markers(SpatialOutput):
    """``markers``: bones, keypoints and ids."""

    def __init__(self, topics: CameraTopics) -> None:
        self._topics, self._warned = topics, False
        self._publisher = topics.publisher(MarkerArray, 'markers')

    @property
    def wanted(self) -> bool:
        """Whether somebody listens."""
        return bool(self._publisher.get_subscription_count())

    def publish(self, located: Located) -> None:
        """They are drawn until the next ones, or until the camera has been silent for ``camera_timeout``."""
        self._warn_once(located.header.frame_id, located.settings.rviz_fixed_frame)
        self._publisher.publish(
            markers(located.people, located.keypoints.points, located.header, located.settings.camera_timeout)
        )

    def _warn_once(self, frame: str, shown: str) -> None:
        if shown and frame != shown and not self._warned:
            self._warned = True
            camera = self._topics.camera
            whose = f'images of {camera}' if camera else 'images'
            argument = f"'[...]', a frame for each camera, {frame} for this one" if camera else frame
            self._topics.node.get_logger().warning(
                f"the {whose} are in the frame '{frame}', which RViz does not show, for its fixed frame is '{shown}': "
                f'launch with rviz_fixed_frame:={argument}'
            )


def markers(
    people: Sequence[Person], points: np.ndarray, header: Header, lifetime: float, layout: SkeletonLayout = COCO
) -> MarkerArray:
    """Bones, keypoints and ids of ``people`` at ``points`` ``(P, K, 3)``, in metres of the optical frame in ``header``;
    NaN for a keypoint without a position.

    Each array replaces all that was drawn before, so that those who have left are gone; what no array replaces goes
    after ``lifetime`` seconds.
    """
    drawn = [Marker(header=header, action=Marker.DELETEALL)]
    for index, (person, pose) in enumerate(zip(people, points, strict=True)):
        for marker in _person(person, pose, layout):
            marker.header, marker.id, marker.lifetime = header, index, _duration(lifetime)
            drawn.append(marker)
    return MarkerArray(markers=drawn)


def _person(person: Person, pose: np.ndarray, layout: SkeletonLayout) -> Iterator[Marker]:
    """What there is to draw; RViz complains of a marker without points or text."""
    placed = np.isfinite(pose).all(-1)
    if not placed.any():
        return
    keypoints = np.flatnonzero(placed).tolist()
    bones = [bone for bone in layout.edges if placed[list(bone)].all()]
    distance = float(np.median(pose[keypoints, 2]))
    if bones:
        yield _list(
            'bones',
            Marker.LINE_LIST,
            pose[np.ravel(bones)],
            BONE * distance,
            [body_side(layout, *bone) for bone in bones for _ in bone],
        )
    yield _list(
        'joints',
        Marker.SPHERE_LIST,
        pose[keypoints],
        KEYPOINT * distance,
        [body_side(layout, keypoint) for keypoint in keypoints],
    )
    if person.id is not None:
        yield _text(str(person.id), pose[keypoints], TEXT * distance)


def _list(name: str, kind: int, points: np.ndarray, size: float, sides: Sequence[str]) -> Marker:
    return Marker(
        ns=name,
        type=kind,
        scale=Vector3(x=size, y=size, z=size),
        colors=[COLOURS[each] for each in sides],
        points=[Point(x=x, y=y, z=z) for x, y, z in points.tolist()],
    )


def _text(text: str, points: np.ndarray, height: float) -> Marker:
    """Above the topmost keypoint: y points down."""
    marker = Marker(ns='ids', type=Marker.TEXT_VIEW_FACING, text=text, scale=Vector3(z=height), color=COLOURS['id'])
    x, y, z = points[points[:, 1].argmin()].tolist()
    marker.pose.position = Point(x=x, y=y - 1.5 * height, z=z)
    return marker


def _duration(seconds: float) -> Duration:
    whole, nanoseconds = divmod(round(seconds * 1e9), 10**9)
    return Duration(sec=whole, nanosec=nanoseconds)
