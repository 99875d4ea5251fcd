"""What a drawn result shows, and what it must not touch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mpn_ros.pipeline.draw import BOX, SIDES, draw
from mpn_ros.result import Person, PoseResult
from mpn_ros.skeleton import COCO

LEFT_SHOULDER, RIGHT_SHOULDER, LEFT_ELBOW, RIGHT_ELBOW, LEFT_WRIST = (
    COCO.names.index(name) for name in ('left_shoulder', 'right_shoulder', 'left_elbow', 'right_elbow', 'left_wrist')
)


def grey(height: int = 240, width: int = 320) -> np.ndarray:
    return np.full((height, width, 3), 128, np.uint8)


def person(places: dict[int, tuple[float, float]], box=(20, 30, 300, 230), score: float = 0.87) -> Person:
    keypoints = np.full((17, 3), (np.nan, np.nan, 0), np.float32)
    for index, position in places.items():
        keypoints[index] = (*position, 0.9)
    return Person(np.array(box, np.float32), score, keypoints)


def result(*people: Person, height: int = 240, width: int = 320) -> PoseResult:
    return PoseResult(people, np.zeros((height, width), np.uint8))


def has(picture: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool((picture == colour).all(-1).any())


def test_nothing_to_draw_gives_an_equal_copy():
    image = grey()
    drawn = draw(image, result())
    assert drawn is not image and not np.shares_memory(drawn, image)
    np.testing.assert_array_equal(drawn, image)


def test_people_without_a_mask_are_drawn_as_those_with_an_empty_one():
    man = person({LEFT_SHOULDER: (100, 60)})
    np.testing.assert_array_equal(draw(grey(), PoseResult((man,), None, (320, 240))), draw(grey(), result(man)))


def test_the_image_that_was_given_stays_as_it_is():
    image = grey()
    image.flags.writeable = False
    mask = np.full((240, 320), 255, np.uint8)
    drawn = draw(image, PoseResult((person({LEFT_SHOULDER: (100, 60)}),), mask))
    assert (image == 128).all()
    assert (drawn != 128).any()


def test_bones_have_the_colour_of_their_side():
    arms = {LEFT_SHOULDER: (200, 60), LEFT_ELBOW: (200, 160), RIGHT_SHOULDER: (80, 60), RIGHT_ELBOW: (80, 160)}
    drawn = draw(grey(), result(person(arms)))
    assert tuple(drawn[110, 200]) == SIDES['left']
    assert tuple(drawn[110, 80]) == SIDES['right']
    assert tuple(drawn[60, 140]) == SIDES['centre']


def test_a_keypoint_that_is_not_seen_takes_its_bones_along():
    drawn = draw(grey(), result(person({LEFT_SHOULDER: (200, 60), LEFT_WRIST: (200, 200)})))
    assert (drawn[90:170, 150:250] == 128).all(), 'a bone was drawn to an elbow that nobody saw'
    unseen = draw(grey(), result(person({})))
    assert not any(has(unseen, colour) for colour in SIDES.values())
    assert has(unseen, BOX)


def test_rgb_and_bgr_show_the_same_picture():
    image = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    mask = np.zeros((240, 320), np.uint8)
    mask[50:150, 100:200] = 255
    people = PoseResult((person({LEFT_SHOULDER: (200, 60), LEFT_ELBOW: (210, 160)}),), mask)
    np.testing.assert_array_equal(draw(image[..., ::-1], people, 'rgb')[..., ::-1], draw(image, people, 'bgr'))


def test_the_mask_tints_people_and_fades_at_its_edge():
    mask = np.zeros((240, 320), np.uint8)
    mask[:, :160] = 255
    row = draw(grey(), PoseResult((), mask))[120].astype(int)
    change = np.abs(row - 128).sum(-1)
    assert change[:150].min() == change.max() > 30
    assert (change[175:] == 0).all()
    assert 0 < change[161] < change.max()


def test_lines_grow_with_the_image():
    def width_of_bone(scale: int) -> int:
        arm = {LEFT_SHOULDER: (50 * scale, 20 * scale), LEFT_ELBOW: (50 * scale, 80 * scale)}
        drawn = draw(
            grey(100 * scale, 100 * scale),
            result(person(arm, box=(0, 0, 100 * scale, 100 * scale)), height=100 * scale, width=100 * scale),
        )
        return int((drawn[50 * scale, 10 * scale : -10 * scale] != 128).any(-1).sum())

    assert 1 <= width_of_bone(1) < width_of_bone(12)


def test_lines_grow_with_the_person():
    def width_of_bone(extent: int) -> int:
        arm = {LEFT_SHOULDER: (300, 200), LEFT_ELBOW: (300, 260)}
        somebody = person(arm, box=(290, 190, 290 + extent // 2, 190 + extent))
        drawn = draw(grey(480, 640), result(somebody, height=480, width=640))
        return int((drawn[230, 294:320] != 128).any(-1).sum())

    assert 1 <= width_of_bone(80) < width_of_bone(280)


def test_the_best_person_is_on_top():
    left = person({LEFT_SHOULDER: (160, 60), LEFT_ELBOW: (160, 160)}, score=0.9)
    right = person({RIGHT_SHOULDER: (160, 60), RIGHT_ELBOW: (160, 160)}, score=0.5)
    assert tuple(draw(grey(), result(left, right))[110, 160]) == SIDES['left']


@pytest.mark.parametrize('where', [-1e9, 1e9])
def test_positions_far_outside_are_no_harm(where):
    draw(grey(), result(person({LEFT_SHOULDER: (where, where), LEFT_ELBOW: (160, 100)}, box=(0, 0, 320, 240))))


def test_the_score_is_readable_at_the_images_edge():
    drawn = draw(grey(), result(person({}, box=(300, 0, 320, 240))))
    label = drawn[:20, :299]  # what reaches further to the left than the box itself
    assert (label == BOX).all(-1).sum() > 60


def test_an_id_is_written_beside_the_score():
    somebody = person({}, box=(100, 100, 200, 200))
    without, one, other = (draw(grey(), result(replace(somebody, id=id))) for id in (None, 4, 5))
    assert (without != one).any() and (one != other).any()
