"""Each pixel of the mask goes to the person whose body is the nearest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mpn_ros.instances import MOST, instance_mask, pixel_costs
from mpn_ros.result import Person, PoseResult
from mpn_ros.skeleton import COCO, make_layout

NOBODY = np.full((17, 3), (np.nan, np.nan, 0), np.float32)


def standing(x: float, top: float = 10, height: float = 100, reach: float = 40, score: float = 0.9) -> Person:
    """Somebody on the line at ``x``, in a box of ``reach`` pixels to both sides."""
    keypoints = NOBODY.copy()
    for name, part in (('nose', 0.05), ('hip', 0.5), ('knee', 0.75), ('ankle', 0.95), ('shoulder', 0.2)):
        for index in (index for index, joint in enumerate(COCO.names) if name in joint):
            keypoints[index] = x, top + part * height, 0.8
    return Person(np.array([x - reach, top, x + reach, top + height], np.float32), score, keypoints)


def shared(people, size=(160, 120)) -> np.ndarray:
    return instance_mask(np.full(size[::-1], 255, np.uint8), people)


def test_people_who_overlap_meet_in_the_middle():
    numbers = shared([standing(60), standing(90)])
    row = numbers[60]
    assert row[19] == 0 and set(row[20:73]) == {1} and set(row[77:130]) == {2} and row[130] == 0
    assert not numbers[:10].any() and not numbers[110:].any()


def test_the_number_is_the_place_in_the_list():
    left, right = standing(60), standing(90)
    there, back = shared([left, right]), shared([right, left])
    np.testing.assert_array_equal(np.array([0, 2, 1])[there][:, :70], back[:, :70])
    assert back[60, 60] == 2 and back[60, 90] == 1


def test_half_way_between_a_large_person_and_a_small_one_is_the_small_ones():
    small = standing(90, top=50, height=30, reach=30)
    row = shared([standing(60, reach=45), small])[65]
    assert row[75] == 2 and row[62] == 1


def test_towards_the_edge_of_a_box_less_is_that_persons():
    row = shared([standing(60, reach=20), standing(84, top=35, height=50, reach=40)])[60]
    assert row[66] == 1 and row[71] == 2, 'the first is nearer at both places, and of the same size'


def test_what_only_one_box_holds_is_that_persons_however_far():
    near_feet = replace(standing(60), keypoints=np.where(np.arange(17)[:, None] > 14, standing(60).keypoints, NOBODY))
    assert set(shared([near_feet, standing(140, reach=10)])[15, 20:100]) == {1}


def test_of_two_sightings_of_one_person_the_surer_takes_all():
    numbers = shared([standing(60), standing(60, score=0.5)])
    assert set(np.unique(numbers)) == {0, 1}


def test_nothing_is_painted_outside_of_the_mask():
    mask = np.zeros((120, 160), np.uint8)
    mask[40:50, 55:65] = 255
    numbers = instance_mask(mask, [standing(60)])
    np.testing.assert_array_equal(numbers != 0, mask != 0)


@pytest.mark.parametrize('size', [(1, 1), (3, 2), (160, 120), (1920, 1080)])
def test_any_size_and_people_without_keypoints_or_far_outside(size):
    width, height = size
    box = np.array([0, 0, width, height], np.float32)
    wild = NOBODY.copy()
    wild[:] = 1e9, -1e9, 0.9
    people = [Person(box, 0.9, NOBODY), Person(box, 0.8, wild), Person(box / 3, 0.7, wild)]
    numbers = shared(people, size)
    assert numbers.shape == (height, width) and numbers.dtype == np.uint8 and numbers.all()


def test_who_has_no_keypoints_is_taken_to_stand_in_the_middle():
    bare = replace(standing(60), keypoints=NOBODY)
    row = shared([standing(100, reach=60), bare])[60]
    assert row[60] == 2 and row[100] == 1


def test_faint_keypoints_are_no_part_of_a_body():
    person = standing(60)
    faint = person.keypoints.copy()
    faint[:] = 150, 60, 0.05
    seen, unsure, bare = pixel_costs(
        [person, replace(person, keypoints=faint * (1, 1, 0.9)), replace(person, keypoints=NOBODY)], (160, 120)
    )
    np.testing.assert_array_equal(unsure, bare)
    assert (seen != bare).any() and seen.shape == (120, 160)


def test_other_keypoints_than_cocos():
    layout = make_layout(['tip', 'tail'], [(0, 1)])
    box = np.array([0, 0, 160, 120], np.float32)
    people = [Person(box, 0.9, np.array([[x, 10, 1], [x, 110, 1]], np.float32)) for x in (40, 120)]
    numbers = instance_mask(np.full((120, 160), 255, np.uint8), people, layout)
    assert set(numbers[60, :75]) == {1} and set(numbers[60, 85:]) == {2}


def test_those_whom_eight_bits_cannot_number_have_no_pixels():
    box = np.array([0, 0, 4, 4], np.float32)
    people = [Person(box + (5 * (n % 20), 5 * (n // 20)) * 2, 0.9, NOBODY) for n in range(MOST + 2)]
    assert np.array_equal(np.unique(shared(people, (100, 80))), np.arange(MOST + 1))


def test_a_scene_makes_it_once_and_only_with_a_mask(monkeypatch):
    result = PoseResult((standing(60),), np.full((120, 160), 255, np.uint8))
    assert result.instance_mask is result.instance_mask and result.instance_mask.max() == 1
    named = replace(result, people=(replace(result.people[0], id=7),))
    np.testing.assert_array_equal(named.instance_mask, result.instance_mask)
    assert PoseResult((standing(60),), None, (160, 120)).instance_mask is None
    assert not PoseResult((), result.mask).instance_mask.any()
