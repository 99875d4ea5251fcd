"""From a result to messages of anybody's classes: rclpy's on a robot, those of a bag's type store where there is no
ROS.

Nothing of ROS is imported. Every message carries the image's header as it came: stamp and frame are never ours.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from mpn_ros.errors import WeightsError
from mpn_ros.instances import MOST
from mpn_ros.result import Person, PoseResult
from mpn_ros.skeleton import COCO, SkeletonLayout

PERSON = 'person'
"""``class_id`` of every detection and the name of the mask's only class."""
MASK_PERSON, MASK_BACKGROUND = 255, 0
NOT_TRACKED = -1
"""``Skeleton.id`` of a person whom nobody follows from image to image."""

CDR_LITTLE_ENDIAN = b'\0\1\0\0'
"""What a serialised message begins with."""

CLASSES = {
    'builtin_interfaces': ('Time',),
    'geometry_msgs': ('Point', 'Pose', 'PoseWithCovariance', 'Quaternion'),
    'mpn_ros': ('Keypoint', 'Skeleton', 'SkeletonArray', 'SkeletonLayout'),
    'std_msgs': ('Header',),
    'vision_msgs': (
        'BoundingBox2D',
        'Detection2D',
        'Detection2DArray',
        'LabelInfo',
        'ObjectHypothesis',
        'ObjectHypothesisWithPose',
        'Point2D',
        'Pose2D',
        'VisionClass',
    ),
}
"""The messages that a builder makes, by package."""


def check_layout(layout: SkeletonLayout, source: str) -> None:
    """Refuses keypoints that the messages have no place for.

    Args:
        layout: The keypoints.
        source: Names their weights.

    Raises:
        WeightsError: They are not COCO's 17.
    """
    if layout.names != COCO.names:
        raise WeightsError(
            f'{source} knows {len(layout)} keypoints ({", ".join(layout.names)}), but the messages hold '
            f"COCO's {len(COCO)}"
        )


def serialize_image(pixels: np.ndarray, encoding: str, header: Any) -> bytes:
    """An unpadded ``sensor_msgs/Image`` as the middleware and bags carry it (CDR: DDS-XTypes 1.3, section 7.4), for
    ``Publisher.publish`` and for a bag's writer. Made so, its pixels are copied once less than in a message of rclpy.

    Args:
        pixels: ``(H, W)`` or ``(H, W, 3)`` uint8.
        encoding: one of ``sensor_msgs/image_encodings``.
        header: a ``std_msgs/Header``.
    """
    height, width = pixels.shape[:2]
    return b''.join(
        (
            CDR_LITTLE_ENDIAN,
            struct.pack('<iI', header.stamp.sec, header.stamp.nanosec),
            _aligned(_text(header.frame_id)),
            struct.pack('<II', height, width),
            _aligned(_text(encoding) + b'\0'),  # and the least significant byte comes first
            struct.pack('<II', pixels.nbytes // height, pixels.nbytes),
            np.ascontiguousarray(pixels).data,
        )
    )


def _text(text: str) -> bytes:
    data = text.encode() + b'\0'
    return struct.pack('<I', len(data)) + data


def _aligned(data: bytes) -> bytes:
    """So that a number of four bytes may come next."""
    return data + bytes(-len(data) % 4)


class MessageBuilder:
    """Makes messages of the classes that ``types`` has as attributes by the names in ``CLASSES``.

    All fields are given by name, as the classes of a bag have no defaults. ``types.octets(values)`` makes of bytes what
    the classes want in a field ``uint8[]``.
    """

    def __init__(self, types: Any) -> None:
        self._types = types
        position, orientation = types.Point(x=0.0, y=0.0, z=0.0), types.Quaternion(x=0.0, y=0.0, z=0.0, w=1.0)
        # Of every detection, which says nothing of it: one for all, since nobody changes what is sent.
        self._no_pose = types.PoseWithCovariance(
            pose=types.Pose(position=position, orientation=orientation), covariance=np.zeros(36)
        )

    def detections(self, result: PoseResult, header: Any) -> Any:
        """A ``Detection2DArray``: boxes and scores, best first; ``id`` is empty for a person whom nobody follows.

        Args:
            result: The people of an image.
            header: The image's.

        Returns:
            The message.
        """
        return self._types.Detection2DArray(
            header=header, detections=[self._detection(person, header) for person in result.people]
        )

    def _detection(self, person: Person, header: Any) -> Any:
        types = self._types
        x0, y0, x1, y1 = person.box.tolist()
        centre = types.Pose2D(position=types.Point2D(x=(x0 + x1) / 2, y=(y0 + y1) / 2), theta=0.0)
        hypothesis = types.ObjectHypothesis(class_id=PERSON, score=float(person.score))
        return types.Detection2D(
            header=header,
            id='' if person.id is None else str(person.id),
            bbox=types.BoundingBox2D(center=centre, size_x=x1 - x0, size_y=y1 - y0),
            results=[types.ObjectHypothesisWithPose(hypothesis=hypothesis, pose=self._no_pose)],
        )

    def skeletons(self, result: PoseResult, header: Any) -> Any:
        """A ``SkeletonArray``: boxes and keypoints, best first, and the image's size.

        Args:
            result: The people of an image.
            header: The image's.

        Returns:
            The message.
        """
        width, height = result.image_size
        return self._types.SkeletonArray(
            header=header,
            image_width=width,
            image_height=height,
            skeletons=[self._skeleton(person) for person in result.people],
        )

    def _skeleton(self, person: Person) -> Any:
        keypoints = [
            self._types.Keypoint(x=x, y=y, score=score, seen=seen)
            for (x, y, score), seen in zip(person.keypoints.tolist(), person.visible.tolist(), strict=True)
        ]
        return self._types.Skeleton(
            id=NOT_TRACKED if person.id is None else person.id,
            score=float(person.score),
            box=person.box.astype(np.float32),
            keypoints=keypoints,
        )

    def label_info(self) -> Any:
        """A ``LabelInfo``: what the values of the mask mean."""
        return self._label_info({MASK_BACKGROUND: 'background', MASK_PERSON: PERSON})

    def instance_label_info(self) -> Any:
        """A ``LabelInfo``: what the values of the mask with each person's own number mean."""
        people = {number: f'{PERSON} {number}' for number in range(1, MOST + 1)}
        return self._label_info({MASK_BACKGROUND: 'background', **people})

    def _label_info(self, classes: dict[int, str]) -> Any:
        types = self._types
        return types.LabelInfo(
            header=types.Header(stamp=types.Time(sec=0, nanosec=0), frame_id=''),
            threshold=0.0,
            class_map=[types.VisionClass(class_id=value, class_name=name) for value, name in classes.items()],
        )

    def skeleton_layout(self, layout: SkeletonLayout = COCO) -> Any:
        """A ``SkeletonLayout``: names and bones of the keypoints.

        Args:
            layout: The keypoints.

        Returns:
            The message.
        """
        edges = bytes(index for edge in layout.edges for index in edge)
        return self._types.SkeletonLayout(names=list(layout.names), edges=self._types.octets(edges))
