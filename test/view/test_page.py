"""The page in a real browser: what it paints, what its switches do, what it says when answers stop."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from mpn_ros.view.annotated_frame import palette
from mpn_ros.view.server import ViewServer

CAMERA = '/left/image_raw'


@pytest.fixture
def server() -> Iterator[ViewServer]:
    with ViewServer([CAMERA], port=0) as server:
        yield server


@pytest.fixture
def playing(server, frame) -> Iterator[threading.Event]:
    """Ten frames a second until the event is set."""
    stop = threading.Event()

    def play() -> None:
        while not stop.wait(0.1):
            server.channels[CAMERA].image()
            server.channels[CAMERA].show(frame)

    thread = threading.Thread(target=play)
    thread.start()
    yield stop
    stop.set()
    thread.join()


def pixel(page, x: float, y: float) -> list[int]:
    """RGB on the canvas."""
    return page.evaluate(
        '([x, y]) => [...document.querySelector("canvas").getContext("2d").getImageData(x, y, 1, 1).data.slice(0, 3)]',
        [x, y],
    )


def colour(name: str) -> list[int]:
    """The colour of a keypoint."""
    from mpn_ros.skeleton import COCO

    return [int(value) for value in palette(COCO)['joints'][COCO.names.index(name)][4:-1].split(',')]


def shows(page, text: str) -> None:
    page.get_by_text(text).wait_for(timeout=15000)


@pytest.mark.usefixtures('playing')
def test_people_are_painted_and_switched(page, server, tmp_path):
    page.goto(server.url)
    shows(page, '1 person')
    left, right = (180, 220), (115, 140)  # left ankle, right wrist
    box, mask, ground = (100, 200), (120, 190), (20, 20)
    assert pixel(page, *left) == pytest.approx(colour('left_ankle'), abs=3)
    assert pixel(page, *right) == pytest.approx(colour('right_wrist'), abs=3)
    assert min(pixel(page, *box)) > 110, 'a line of one pixel lies on two'
    tinted = pixel(page, *mask)
    assert tinted[1] - tinted[0] > 30 < tinted[2] - tinted[0], 'the mask has the colour of person 3 on grey'
    assert pixel(page, *ground) == pytest.approx([90] * 3, abs=3)
    assert page.evaluate('document.querySelector(".figures").textContent').count('·') == 2
    screenshot = tmp_path / 'view.png'
    page.screenshot(path=screenshot)
    assert orange(screenshot) > 300, 'the bones of the left side are on the screenshot'

    page.get_by_label('Skeletons').uncheck()
    page.get_by_label('Boxes').uncheck()
    page.get_by_label('Mask').uncheck()
    for place in (left, right, box, mask):
        assert pixel(page, *place) == pytest.approx([90] * 3, abs=3)
    page.get_by_label('Skeletons').check()
    assert pixel(page, *left) == pytest.approx(colour('left_ankle'), abs=3)


def orange(screenshot: Path) -> int:
    blue, green, red = np.moveaxis(cv2.imread(str(screenshot)).astype(int), -1, 0)
    return int(((red > 200) & (blue < 110) & (green < 200)).sum())


def test_it_says_in_red_when_answers_stop(page, server, playing):
    page.goto(server.url)
    shows(page, '1 person')
    assert page.locator('.state').text_content() == ''
    playing.set()
    shows(page, 'no answer for 3 s: no images')
    red, green, blue = (
        int(part) for part in page.evaluate('getComputedStyle(document.querySelector(".state")).color.match(/\\d+/g)')
    )
    assert red > 200 and max(green, blue) < 120


def test_images_without_answers_are_told_apart(page, server):
    page.goto(server.url)
    shows(page, 'no answer yet: no image has come')
    server.channels[CAMERA].image()
    shows(page, 'no answer yet: images come')


def test_it_goes_on_after_the_server_was_away(page, frame):
    with ViewServer([CAMERA], port=0) as server:
        server.channels[CAMERA].show(frame)
        port = int(server.url.rsplit(':', 1)[1].strip('/'))
        page.goto(server.url)
        shows(page, '1 person')
    shows(page, 'no connection to mpn view')
    with ViewServer([CAMERA], port=port) as server:
        for _ in range(2):
            server.channels[CAMERA].show(frame)
        page.wait_for_function('document.querySelector(".state").textContent === ""', timeout=15000)
