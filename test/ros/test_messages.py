"""Results to messages and back."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
pytest.importorskip('vision_msgs', reason='vision_msgs is not installed here')
pytest.importorskip('mpn_ros.msg', reason='the messages of mpn_ros are not built here')

from rclpy.serialization import deserialize_message  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402
from std_msgs.msg import Header  # noqa: E402

from mpn_ros.messages import serialize_image  # noqa: E402
from mpn_ros.result import Person, PoseResult  # noqa: E402
from mpn_ros.ros import messages  # noqa: E402

pytestmark = pytest.mark.ros


@pytest.fixture
def result() -> PoseResult:
    random = np.random.default_rng(0)
    people = []
    for score, followed in ((0.9, 7), (0.5, None)):
        keypoints = random.uniform(0, 30, (17, 3)).astype(np.float32)
        keypoints[3] = np.nan, np.nan, 0
        people.append(Person(random.uniform(0, 30, 4).astype(np.float32), score, keypoints, followed))
    return PoseResult(tuple(people), random.choice([np.uint8(0), np.uint8(255)], (20, 30)))


def test_a_result_comes_back_as_it_went(result):
    header = Header(frame_id='camera')
    mask = deserialize_message(serialize_image(result.mask, 'mono8', header), Image)
    back = messages.to_result(messages.skeletons(result, header), mask)
    np.testing.assert_array_equal(back.mask, result.mask)
    for got, sent in zip(back.people, result.people, strict=True):
        np.testing.assert_array_equal(got.box, sent.box)
        np.testing.assert_array_equal(got.keypoints, sent.keypoints)
        assert got.score == pytest.approx(sent.score) and got.id == sent.id


def test_a_result_without_a_mask_has_a_size_all_the_same(result):
    array = messages.skeletons(PoseResult(result.people, None, (30, 20)), Header())
    assert (array.image_width, array.image_height) == (30, 20)
    back = messages.to_result(array, None)
    assert back.mask is None and back.image_size == (30, 20) and len(back.people) == len(result.people)


def test_boxes_are_centre_and_size_best_first(result):
    got = messages.detections(result, Header()).detections
    for detection, person in zip(got, result.people, strict=True):
        x0, y0, x1, y1 = person.box
        assert detection.bbox.center.position.x == pytest.approx((x0 + x1) / 2, abs=1e-5)
        assert detection.bbox.center.position.y == pytest.approx((y0 + y1) / 2, abs=1e-5)
        assert (detection.bbox.size_x, detection.bbox.size_y) == pytest.approx((x1 - x0, y1 - y0), abs=1e-5)
        assert detection.results[0].hypothesis.score == pytest.approx(person.score)
    assert [detection.id for detection in got] == ['7', '']


def test_nobody_is_an_empty_array_of_the_right_size():
    nobody = PoseResult((), np.zeros((20, 30), np.uint8))
    array = messages.skeletons(nobody, Header())
    assert (len(array.skeletons), array.image_width, array.image_height) == (0, 30, 20)
    assert not messages.detections(nobody, Header()).detections
