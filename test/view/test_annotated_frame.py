from __future__ import annotations

import json
from dataclasses import replace

import cv2
import numpy as np

from mpn_ros.decoding.raw import DecodedImage
from mpn_ros.skeleton import COCO
from mpn_ros.view.annotated_frame import MASK_SIDE, PICTURE_SIDE, TINTS, AnnotatedFrame, palette


def decoded(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)


def test_pictures_keep_their_colours_and_are_made_small_enough_for_a_radio():
    red = np.zeros((1000, 2560, 3), np.uint8)
    red[..., 0] = 200
    shown = decoded(AnnotatedFrame(lambda: DecodedImage(red, 'rgb'), (2560, 1000), ()).jpeg)
    assert shown.shape == (500, PICTURE_SIDE, 3)
    np.testing.assert_allclose(shown[250, 600], (0, 0, 200), atol=4)


def test_the_mask_is_opaque_on_people_alone(frame):
    mask = decoded(frame.png)
    assert mask.shape == (*frame.mask.shape, 4)
    np.testing.assert_array_equal(mask[..., 3], 255 * frame.mask)
    wide = AnnotatedFrame(frame.picture, (1920, 1080), (), np.full((1080, 1920), 1, np.uint8))
    assert max(decoded(wide.png).shape) == MASK_SIDE


def test_each_persons_pixels_have_a_colour_that_goes_with_the_id(frame, person):
    numbers = np.zeros((40, 60), np.uint8)
    numbers[:, :30], numbers[:, 30:50] = 1, 2
    people = person, replace(person, id=4)
    mask = decoded(AnnotatedFrame(frame.picture, (60, 40), people, numbers).png)
    assert tuple(mask[20, 10, :3]) == TINTS[3] != tuple(mask[20, 40, :3]) == TINTS[4]
    swapped = decoded(AnnotatedFrame(frame.picture, (60, 40), people[::-1], numbers).png)
    assert tuple(swapped[20, 40, :3]) == TINTS[3], 'the place in the list may change'
    assert mask[20, 55, 3] == 0


def test_without_a_mask_there_is_none(frame):
    assert AnnotatedFrame(frame.picture, frame.size, ()).png is None


def test_people_are_plain_data(frame):
    (person,) = json.loads(json.dumps(frame.facts(), allow_nan=False))['people']
    assert person['id'] == 3 and person['box'] == [100, 20, 220, 230]
    assert person['keypoints'][0] is None and person['keypoints'][5][:2] == [185, 70]


def test_bones_have_the_colour_of_their_side():
    colours = palette(COCO)
    left, right = COCO.names.index('left_wrist'), COCO.names.index('right_wrist')
    assert colours['joints'][left] != colours['joints'][right]
    assert {(a, b) for a, b, _ in colours['bones']} == set(COCO.edges)


def test_nobody_watching_costs_no_picture():
    def never() -> DecodedImage:
        raise AssertionError('made for nobody')

    AnnotatedFrame(never, (4, 3), ()).facts()
