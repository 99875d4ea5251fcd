"""Images with as many people as are asked for."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mpn_ros.benchmark.crowds import crowds, find_people, read_sources
from mpn_ros.errors import ImageError, ParameterError
from mpn_ros.result import Person, PoseResult

SIZE = 320, 240


def by_marks(image: np.ndarray, channel_order: str) -> PoseResult:
    """Takes each white patch for a person."""
    count, _, patches, _ = cv2.connectedComponentsWithStats((image[..., 0] > 200).astype(np.uint8))
    people = [
        Person(np.array([x, y, x + w, y + h], np.float32), 0.9, np.zeros((17, 3), np.float32))
        for x, y, w, h, _ in patches[1:count]
    ]
    return PoseResult(tuple(people), np.zeros(image.shape[:2], np.uint8))


def source(size: tuple[int, int] = (240, 320)) -> np.ndarray:
    image = np.full((*size, 3), 60, np.uint8)
    image[60:200, 100:150] = 255
    return image


def test_a_person_is_cut_out_with_a_margin_and_put_into_a_grid() -> None:
    [person] = find_people(by_marks, [source()], SIZE)
    assert person.shape[0] == pytest.approx(140 / 0.8, abs=2) and (person[0] == 60).all()
    for count in (1, 5, 20):
        images, found = crowds(by_marks, [person], count, 2, SIZE)
        assert len(images) == 2 and images[0].shape == (240, 320, 3) and found == count


def test_sources_in_which_nobody_is_clear_are_refused() -> None:
    with pytest.raises(ParameterError, match='nobody'):
        find_people(by_marks, [np.zeros((90, 90, 3), np.uint8)], SIZE)


def test_sources_are_the_pictures_of_a_folder(tmp_path) -> None:
    for number in range(3):
        cv2.imwrite(str(tmp_path / f'{number}.png'), np.full((10, 12, 3), number, np.uint8))
    (tmp_path / 'note.txt').write_text('no picture')
    assert [image[0, 0, 0] for image in read_sources(tmp_path)] == [0, 1, 2]
    empty = tmp_path / 'empty'
    empty.mkdir()
    with pytest.raises(ImageError, match='holds no pictures'):
        read_sources(empty)
