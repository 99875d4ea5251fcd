"""A person to show, on a picture that has no colour of the overlay."""

from __future__ import annotations

import numpy as np
import pytest

from mpn_ros.decoding.raw import DecodedImage
from mpn_ros.result import Person
from mpn_ros.view.annotated_frame import AnnotatedFrame

WIDTH, HEIGHT = 320, 240
POSE = [
    (160, 40),
    (165, 35),
    (155, 35),
    (172, 38),
    (148, 38),
    (185, 70),
    (135, 70),
    (200, 105),
    (120, 105),
    (205, 140),
    (115, 140),
    (175, 140),
    (145, 140),
    (178, 180),
    (142, 180),
    (180, 220),
    (140, 220),
]


@pytest.fixture
def person() -> Person:
    keypoints = np.array([(x, y, 0.9) for x, y in POSE], np.float32)
    keypoints[0] = np.nan, np.nan, 0
    return Person(np.array([100, 20, 220, 230], np.float32), 0.87, keypoints, id=3)


@pytest.fixture
def frame(person: Person) -> AnnotatedFrame:
    grey = DecodedImage(np.full((HEIGHT, WIDTH, 3), 90, np.uint8), 'rgb')
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[60:200, 110:210] = 1
    return AnnotatedFrame(lambda: grey, (WIDTH, HEIGHT), (person,), mask, age=0.05)
