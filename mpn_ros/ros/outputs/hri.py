"""The people of all cameras under ``/humans/bodies``, as REP-155 (ROS for human-robot interaction) has them."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
from rclpy.node import Node
from rclpy.publisher import Publisher
from std_msgs.msg import Header

from mpn_ros.errors import ParameterError
from mpn_ros.result import Person, PoseResult
from mpn_ros.ros.message_packages import PackageError, message_package, sendable
from mpn_ros.ros.outputs.output import Output
from mpn_ros.ros.qos import RESULT_QOS
from mpn_ros.serving.frames import DecodedFrame
from mpn_ros.skeleton import COCO

BODIES = '/humans/bodies'
TYPES = 'IdsList', 'NormalizedPointOfInterest2D', 'NormalizedRegionOfInterest2D', 'Skeleton2D'
"""What is used of ``hri_msgs``."""
NECK = 1
"""Index in ``Skeleton2D`` of the one keypoint that COCO lacks; it is put between the shoulders."""
ORDER = [
    COCO.names.index(name)
    for name in (
        'nose',
        'nose',
        'right_shoulder',
        'right_elbow',
        'right_wrist',
        'left_shoulder',
        'left_elbow',
        'left_wrist',
        'right_hip',
        'right_knee',
        'right_ankle',
        'left_hip',
        'left_knee',
        'left_ankle',
        'left_eye',
        'right_eye',
        'left_ear',
        'right_ear',
    )
]
"""COCO's keypoint at each index of ``Skeleton2D``, which has OpenPose's order; the neck's place is held by the nose."""
SHOULDERS = [COCO.names.index(name) for name in ('left_shoulder', 'right_shoulder')]


def body_id(camera: str, person_id: int) -> str:
    """The id of a body under ``/humans/bodies``: ids are the camera's, and REP-155 wants a letter first."""
    return f'{camera.replace("/", "_")}_p{person_id}' if camera else f'p{person_id}'


def openpose_keypoints(keypoints: np.ndarray) -> np.ndarray:
    """COCO's keypoints ``(17, 3)`` as the 18 of ``Skeleton2D`` ``(18, 3)``: x, y, score. The neck is the middle of the
    shoulders with the lower of their scores, and not seen unless both are."""
    found = keypoints[ORDER]
    shoulders = keypoints[SHOULDERS]
    found[NECK] = *shoulders[:, :2].mean(0), shoulders[:, 2].min()
    return found


@dataclass
class _Body:
    roi: Publisher
    skeleton: Publisher
    seen_at: float


class HriPublisher:
    """The topics of everybody who is followed by one of the cameras of ``node``: ``tracked``, and ``<id>/roi`` and
    ``<id>/skeleton2d`` as long as a person is remembered. Raises ParameterError where hri_msgs is missing or broken."""

    def __init__(self, node: Node) -> None:
        self._node = node
        try:
            self._types = message_package('hri_msgs', *TYPES)
            with sendable(self._types.IdsList):
                self._tracked = node.create_publisher(self._types.IdsList, f'{BODIES}/tracked', RESULT_QOS)
        except PackageError as error:
            raise ParameterError(f"parameter 'publish_humans' cannot be on: {error}") from error
        self._bodies: dict[str, _Body] = {}

    def publish(self, camera: str, result: PoseResult, header: Header, timeout: float) -> None:
        """Sends the people with an id whom ``camera`` has seen in one image, and takes the topics back of those whom no
        camera has seen for ``timeout`` seconds."""
        now = time.monotonic()
        width, height = result.image_size
        for person in result.people:
            if person.id is not None:
                name = body_id(camera, person.id)
                body = self._bodies.get(name) or self._add_body(name)
                body.seen_at = now
                body.roi.publish(self._roi(person, width, height, header))
                body.skeleton.publish(self._skeleton(person, width, height, header))
        for name in [name for name, body in self._bodies.items() if now - body.seen_at > timeout]:
            self._remove_body(name)
        self._tracked.publish(self._types.IdsList(header=header, ids=list(self._bodies)))

    def destroy(self) -> None:
        """Gives all topics back."""
        for name in list(self._bodies):
            self._remove_body(name)
        self._node.destroy_publisher(self._tracked)

    def _add_body(self, name: str) -> _Body:
        def publisher(kind: type, topic: str) -> Publisher:
            return self._node.create_publisher(kind, f'{BODIES}/{name}/{topic}', RESULT_QOS)

        body = _Body(
            publisher(self._types.NormalizedRegionOfInterest2D, 'roi'),
            publisher(self._types.Skeleton2D, 'skeleton2d'),
            seen_at=math.nan,
        )
        self._bodies[name] = body
        return body

    def _remove_body(self, name: str) -> None:
        body = self._bodies.pop(name)
        self._node.destroy_publisher(body.roi)
        self._node.destroy_publisher(body.skeleton)

    def _roi(self, person: Person, width: int, height: int, header: Header) -> object:
        x0, y0, x1, y1 = (person.box / (width, height, width, height)).clip(0, 1).tolist()
        return self._types.NormalizedRegionOfInterest2D(
            header=header, xmin=x0, ymin=y0, xmax=x1, ymax=y1, c=float(person.score)
        )

    def _skeleton(self, person: Person, width: int, height: int, header: Header) -> object:
        keypoints = openpose_keypoints(person.keypoints)
        # From the middle of a pixel, where ours are, to fractions from edge to edge; one that is not seen is at 0, 0.
        keypoints[:, :2] = np.nan_to_num((keypoints[:, :2] + 0.5) / (width, height)).clip(0, 1)
        return self._types.Skeleton2D(
            header=header,
            skeleton=[self._types.NormalizedPointOfInterest2D(x=x, y=y, c=score) for x, y, score in keypoints.tolist()],
        )


class HriOutput(Output):
    """The people of one camera, for ``publisher``."""

    def __init__(self, camera: str, publisher: HriPublisher) -> None:
        self._camera, self._publisher = camera, publisher

    def publish(self, frame: DecodedFrame, result: PoseResult) -> None:
        """Always."""
        self._publisher.publish(self._camera, result, frame.header, frame.settings.track_timeout)
