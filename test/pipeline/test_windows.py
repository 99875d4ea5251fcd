"""Windows show people at the wanted size, inside the image, and bring positions back to where they were."""

import cv2
import numpy as np
import pytest

from mpn_ros.errors import ParameterError
from mpn_ros.pipeline.windows import WindowSettings, check_refine, make_window, person_size, plan_windows

SETTINGS = WindowSettings()


def person(x, y, width, height, score=0.9):
    return [x, y, x + width, y + height, score]


def plan(*people, image_size=(640, 480), scale=1.0, most=20, settings=SETTINGS):
    return plan_windows(image_size, np.array(people, np.float32).reshape(-1, 5), scale, most, settings)


def test_the_size_of_a_person_is_the_root_of_the_area():
    assert person_size(np.array([[0, 0, 20, 80]])) == pytest.approx([np.sqrt(0.523 * 20 * 80)])


@pytest.mark.parametrize('box', [(100, 100, 20, 40), (0, 0, 12, 30), (600, 440, 40, 40), (200, 10, 200, 450)])
def test_a_window_holds_its_person_at_the_wanted_size_or_as_large_as_it_may_be(box):
    [window] = plan(person(*box))
    x0, y0, x1, y1 = window.boxes_to_input(np.array(person(*box)[:4]))
    width, height = window.input_size
    assert x0 >= -0.5 and y0 >= -0.5 and x1 <= width + 0.5 and y1 <= height + 0.5
    size = person_size(np.array([[x0, y0, x1, y1]]))[0]
    fills = max((x1 - x0) / width, (y1 - y0) / height)
    assert size == pytest.approx(SETTINGS.wanted, rel=0.06) or fills == pytest.approx(SETTINGS.filled, rel=0.03)


def test_a_window_stays_inside_an_image_that_is_larger_than_it():
    [window] = plan(person(0, 0, 20, 40))
    assert window.corner == (0, 0) and window.letterbox.content_size == window.input_size


def test_a_window_that_is_larger_than_the_image_is_padded():
    image = np.full((40, 30, 3), 200, np.uint8)
    window = make_window((30, 40), np.array([5, 5, 25, 35]), 2.0, (192, 192))
    pixels = window.apply(image, 'rgb', 7)
    assert pixels.shape == (192, 192, 3) and window.letterbox.content_size == (60, 80)
    assert (pixels[:80, :60] == 200).all() and (pixels[80:] == 7).all() and (pixels[:, 60:] == 7).all()


@pytest.mark.parametrize('zoom', [0.4, 1.0, 2.7])
def test_positions_come_back_to_where_the_pixels_were(zoom):
    image = np.zeros((480, 640, 3), np.uint8)
    cv2.circle(image, (430, 220), 12, (255, 255, 255), -1)
    window = make_window((640, 480), np.array([400, 150, 460, 300]), zoom, (192, 192))
    pixels = window.apply(image, 'rgb', 0).astype(float)[..., 0]
    rows, columns = np.indices(pixels.shape)
    centre = np.array([(columns * pixels).sum(), (rows * pixels).sum()]) / pixels.sum()
    np.testing.assert_allclose(window.points_to_image(centre[None])[0], [430, 220], atol=0.5)
    box = np.array([[410.0, 200.0, 450.0, 240.0]])
    np.testing.assert_allclose(window.boxes_to_image(window.boxes_to_input(box)), box, atol=1e-3)


def test_people_who_are_seen_well_already_or_hardly_are_left_alone():
    well, faint, small = person(0, 0, 100, 200), person(300, 0, 20, 40, 0.01), person(400, 0, 20, 40)
    [window] = plan(well, small, faint)
    assert window.people == (1,)
    # What counts is the size in the first look's input.
    assert [w.people for w in plan(well, scale=0.2)] == [(0,)]


def test_the_best_come_first_and_there_are_no_more_windows_than_asked_for():
    people = [person(150 * (i % 4), 120 * (i // 4), 15, 40, 0.9 - 0.1 * i) for i in range(8)]
    alone = WindowSettings(shared=(1e6, 0))
    assert [w.people for w in plan(*people, most=3, settings=alone)] == [(0,), (1,), (2,)]
    assert plan(*people, most=0) == [] and plan() == []


def test_people_who_stand_close_share_a_window():
    couple, far = [person(100, 100, 25, 60), person(130, 105, 25, 60, 0.8)], person(500, 100, 25, 60, 0.7)
    windows = plan(*couple, far)
    assert [w.people for w in windows] == [(0, 1), (2,)]
    inside = windows[0].boxes_to_input(np.array(couple)[:, :4])
    sizes = person_size(inside)
    assert (inside >= -0.5).all() and (SETTINGS.shared[0] <= sizes).all() and (sizes <= SETTINGS.shared[1]).all()


def test_a_giant_and_a_dwarf_share_none():
    windows = plan(person(100, 100, 20, 50), person(90, 60, 200, 400, 0.8), settings=WindowSettings(right=(0, 0)))
    assert [w.people for w in windows] == [(0,), (1,)]


def test_who_stands_gets_a_narrow_window_and_who_lies_a_low_one():
    assert [plan(person(100, 100, *sides))[0].input_size for sides in ((20, 60), (60, 30), (40, 40))] == [
        (128, 192),
        (192, 128),
        (128, 192),
    ]


@pytest.mark.parametrize('shapes', [(), ((100, 192),), ((0, 192),)])
def test_shapes_that_the_network_cannot_take_are_refused(shapes):
    with pytest.raises(ParameterError, match='multiples of 32'):
        WindowSettings(shapes=shapes)


@pytest.mark.parametrize('windows', [-1, 33])
def test_the_number_of_windows_has_bounds(windows):
    with pytest.raises(ParameterError, match=f'refine must be 0 to 32 windows, not {windows}'):
        check_refine(windows)
