"""People as Foxglove draws them over the camera's image, without a plugin: boxes, bones, keypoints and ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from std_msgs.msg import Header

from mpn_ros.pipeline.draw import BOX, SHADOW, SIDES, Colour, body_side, label_text
from mpn_ros.result import Person, PoseResult
from mpn_ros.ros.camera_topics import CameraTopics
from mpn_ros.ros.message_packages import message_package
from mpn_ros.ros.outputs.output import Output
from mpn_ros.serving.frames import DecodedFrame

TYPES = 'Color', 'ImageAnnotations', 'Point2', 'PointsAnnotation', 'TextAnnotation'
"""What is used of ``foxglove_msgs``."""
LINE, JOINT, FONT = 2.0, 6.0, 14.0
"""Thickness of lines, diameter of keypoints and height of letters in pixels of an image of 640 pixels."""


class Annotations(Output):
    """``annotations``. Raises PackageError where foxglove_msgs is missing or broken."""

    def __init__(self, topics: CameraTopics) -> None:
        self._types = message_package('foxglove_msgs', *TYPES)
        self._publisher = topics.publisher(self._types.ImageAnnotations, 'annotations')

    def publish(self, frame: DecodedFrame, result: PoseResult) -> None:
        """While somebody listens."""
        if self._publisher.get_subscription_count():
            self._publisher.publish(image_annotations(result, frame.header, self._types))


def image_annotations(result: PoseResult, header: Header, types: Any) -> Any:
    """An ``ImageAnnotations`` for the image of ``header``, which Foxglove finds by its stamp.

    Positions there count from the corner of the first pixel, as the edges of boxes do and keypoints do not.
    """
    unit = max(1.0, max(result.image_size) / 640)
    painter = _Painter(types, header.stamp, unit, result)
    people = result.people[::-1]  # the surest is drawn last, on top
    return types.ImageAnnotations(
        timestamp=header.stamp,
        points=[shape for person in people for shape in painter.shapes(person)],
        texts=[painter.label(person) for person in people],
    )


class _Painter:
    """Makes the parts of the people of one result."""

    def __init__(self, types: Any, stamp: Any, unit: float, result: PoseResult) -> None:
        self._types, self._stamp, self._unit, self._layout = types, stamp, unit, result.layout

    def shapes(self, person: Person) -> list[Any]:
        """Box, bones and keypoints; without the last two where nothing is visible."""
        kinds, visible = self._types.PointsAnnotation, person.visible
        x0, y0, x1, y1 = person.box.tolist()
        corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
        shapes = [self._points(kinds.LINE_LOOP, corners, LINE / 2, [BOX])]
        points = person.keypoints[:, :2] + 0.5
        bones = [bone for bone in self._layout.edges if visible[list(bone)].all()]
        if bones:
            sides = [SIDES[body_side(self._layout, *bone)] for bone in bones]
            shapes.append(self._points(kinds.LINE_LIST, points[np.ravel(bones)], LINE, sides))
        seen = np.flatnonzero(visible).tolist()
        if seen:
            sides = [SIDES[body_side(self._layout, keypoint)] for keypoint in seen]
            shapes.append(self._points(kinds.POINTS, points[seen], JOINT, sides))
        return shapes

    def label(self, person: Person) -> Any:
        """Id and score above the box."""
        x, y = person.box[:2].tolist()
        return self._types.TextAnnotation(
            timestamp=self._stamp,
            position=self._types.Point2(x=x, y=y),
            text=label_text(person),
            font_size=FONT * self._unit,
            text_color=self._colour(SHADOW),
            background_color=self._colour(BOX),
        )

    def _points(self, kind: int, points: np.ndarray, thickness: float, colours: Sequence[Colour]) -> Any:
        """A list of colours has one for each point or line; a single one is for all."""
        painted = [self._colour(colour) for colour in colours]
        return self._types.PointsAnnotation(
            timestamp=self._stamp,
            type=kind,
            points=[self._types.Point2(x=x, y=y) for x, y in points.tolist()],
            outline_color=painted[0],
            outline_colors=painted if len(painted) > 1 else [],
            thickness=thickness * self._unit,
        )

    def _colour(self, colour: Colour) -> Any:
        blue, green, red = colour
        return self._types.Color(r=red / 255, g=green / 255, b=blue / 255, a=1.0)
