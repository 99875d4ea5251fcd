"""People for Foxglove: what the published definitions of its messages say, field by field."""

from __future__ import annotations

import importlib.util
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
pytest.importorskip('vision_msgs', reason='vision_msgs is not installed here')
pytest.importorskip('mpn_ros.msg', reason='the messages of mpn_ros are not built here')

from builtin_interfaces.msg import Time  # noqa: E402
from mpn_ros.msg import SkeletonArray  # noqa: E402
from std_msgs.msg import Header  # noqa: E402

from mpn_ros.pipeline.draw import SIDES  # noqa: E402
from mpn_ros.result import Person, PoseResult  # noqa: E402
from mpn_ros.ros.outputs.annotations import image_annotations  # noqa: E402
from mpn_ros.skeleton import COCO  # noqa: E402

pytestmark = pytest.mark.ros

FIELDS = {
    'ImageAnnotations': {
        'timestamp': 'builtin_interfaces/Time',
        'circles': 'sequence<foxglove_msgs/CircleAnnotation>',
        'points': 'sequence<foxglove_msgs/PointsAnnotation>',
        'texts': 'sequence<foxglove_msgs/TextAnnotation>',
    },
    'PointsAnnotation': {
        'timestamp': 'builtin_interfaces/Time',
        'type': 'uint8',
        'points': 'sequence<foxglove_msgs/Point2>',
        'outline_color': 'foxglove_msgs/Color',
        'outline_colors': 'sequence<foxglove_msgs/Color>',
        'fill_color': 'foxglove_msgs/Color',
        'thickness': 'double',
    },
    'TextAnnotation': {
        'timestamp': 'builtin_interfaces/Time',
        'position': 'foxglove_msgs/Point2',
        'text': 'string',
        'font_size': 'double',
        'text_color': 'foxglove_msgs/Color',
        'background_color': 'foxglove_msgs/Color',
    },
    'Color': {'r': 'double', 'g': 'double', 'b': 'double', 'a': 'double'},
    'Point2': {'x': 'double', 'y': 'double'},
}
"""The messages that are filled, as foxglove_msgs 3.4 has them, without ``metadata``, which older releases lack."""
CONSTANTS = {'POINTS': 1, 'LINE_LOOP': 2, 'LINE_STRIP': 3, 'LINE_LIST': 4}
"""Of ``PointsAnnotation``."""
PYTHON = {'double': float, 'uint8': int, 'string': str, 'builtin_interfaces/Time': Time}


def stand_in(name: str) -> type:
    """A class that takes the fields of a message, by name, and nothing of another type."""

    def check(kind: str, value: object) -> bool:
        if kind.startswith('sequence<'):
            return isinstance(value, list) and all(check(kind[9:-1], item) for item in value)
        return type(value) is PYTHON[kind] if kind in PYTHON else type(value).__name__ == kind.split('/')[1]

    def __init__(self, **given) -> None:
        for field, value in given.items():
            assert check(FIELDS[name][field], value), (name, field, value)
        self.__dict__.update(given)

    return type(name, (), {'__init__': __init__, **(CONSTANTS if name == 'PointsAnnotation' else {})})


TYPES = SimpleNamespace(**{name: stand_in(name) for name in FIELDS})
installed = pytest.mark.skipif(
    importlib.util.find_spec('foxglove_msgs') is None, reason='foxglove_msgs is not installed here'
)


def person(score: float = 0.875, id: int | None = 7) -> Person:
    keypoints = np.full((17, 3), (np.nan, np.nan, 0), np.float32)
    keypoints[5], keypoints[6], keypoints[8] = (50, 60, 0.9), (30, 60, 0.9), (20, 90, 0.9)
    return Person(np.array([10, 40, 60, 200], np.float32), score, keypoints, id)


def made(*people: Person, size=(640, 480)):
    return image_annotations(PoseResult(people, None, size), Header(stamp=Time(sec=12, nanosec=34)), TYPES)


def places(shape) -> list[tuple[float, float]]:
    return [(point.x, point.y) for point in shape.points]


def test_a_person_is_a_box_bones_keypoints_and_a_text():
    message = made(person())
    box, bones, keypoints = message.points
    assert box.type == 2 and places(box) == [(10, 40), (60, 40), (60, 200), (10, 200)] and not box.outline_colors
    assert bones.type == 4 and len(bones.points) == 4 and len(bones.outline_colors) == 2
    assert keypoints.type == 1 and len(keypoints.outline_colors) == 3
    assert places(keypoints) == [(50.5, 60.5), (30.5, 60.5), (20.5, 90.5)], 'from the corner of the first pixel'
    (text,) = message.texts
    assert text.text == '#7 0.88' and (text.position.x, text.position.y) == (10, 40)


def test_all_have_the_stamp_of_the_image():
    message = made(person(), person(id=None))
    assert {part.timestamp.nanosec for part in (message, *message.points, *message.texts)} == {34}


def test_left_and_right_have_the_colours_of_the_overlay():
    keypoints = made(person()).points[2]
    left, right = (keypoints.outline_colors[index] for index in (0, 1))
    assert (left.b, left.g, left.r, left.a) == (*(value / 255 for value in SIDES['left']), 1.0)
    assert (right.b, right.g, right.r) == tuple(value / 255 for value in SIDES['right'])


def test_bones_end_in_visible_keypoints_alone():
    bones = made(person()).points[1]
    assert {frozenset(pair) for pair in zip(places(bones)[::2], places(bones)[1::2])} == {
        frozenset({(50.5, 60.5), (30.5, 60.5)}),
        frozenset({(30.5, 60.5), (20.5, 90.5)}),
    }
    assert {(5, 6), (6, 8)} <= set(COCO.edges)


def test_the_surest_is_on_top_and_who_shows_no_keypoint_has_a_box():
    bare = Person(np.array([0, 0, 9, 9], np.float32), 0.5, np.full((17, 3), (np.nan, np.nan, 0), np.float32))
    message = made(person(), bare)
    assert [shape.type for shape in message.points] == [2, 2, 4, 1]
    assert [text.text for text in message.texts] == ['0.50', '#7 0.88']
    assert made().points == made().texts == []


def test_lines_and_letters_grow_with_the_image():
    small, large = made(person()), made(person(), size=(1920, 1080))
    assert large.points[0].thickness == 3 * small.points[0].thickness
    assert large.texts[0].font_size == 3 * small.texts[0].font_size


@installed
def test_the_published_messages_have_these_fields():
    import foxglove_msgs.msg

    for name, fields in FIELDS.items():
        there = getattr(foxglove_msgs.msg, name).get_fields_and_field_types()
        assert {field: kind for field, kind in there.items() if field != 'metadata'} == fields
    for name, value in CONSTANTS.items():
        assert getattr(foxglove_msgs.msg.PointsAnnotation, name) == value


@installed
def test_they_come_with_the_people_while_somebody_listens(robot, until):
    from foxglove_msgs.msg import ImageAnnotations

    robot.start()
    people, drawn = robot.listen(SkeletonArray, '/skeletons'), robot.listen(ImageAnnotations, '/annotations')
    sent = robot.camera()(200)
    until(lambda: people and drawn)
    (message,) = drawn
    assert message.timestamp == people[0].header.stamp == sent.header.stamp
    assert len(message.texts) == 1 and message.texts[0].text.startswith('#1 ') and not message.circles
    assert [shape.type for shape in message.points] == [2, 4, 1] and len(message.points[2].points) == 16


@pytest.mark.skipif(importlib.util.find_spec('foxglove_msgs') is not None, reason='foxglove_msgs is installed here')
def test_without_foxglove_msgs_there_is_no_such_topic(robot):
    node = robot.start()
    assert not any(name.endswith('annotations') for name, _ in node.get_topic_names_and_types())
