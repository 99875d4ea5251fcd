"""Each kind of error is told from the others."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

pytest.importorskip('pycocotools', reason='pycocotools is not installed here')

from mpn_ros.evaluation.coco_eval import collect  # noqa: E402
from mpn_ros.evaluation.keypoint_errors import KINDS, count_errors, keypoint_errors  # noqa: E402


@pytest.fixture
def kinds(small_dataset):
    """``kinds(change)``: of which kind the keypoints of the first person are once ``change`` has moved them, given the
    keypoints ``(17, 3)`` of both people of the image."""

    def measure(change):
        def run(image, channel_order='rgb'):
            result = small_dataset.oracle(image)
            moved = [person.keypoints.copy() for person in result.people]
            if len(moved) > 1:
                change(*moved)
            people = [dataclasses.replace(person, keypoints=points) for person, points in zip(result.people, moved)]
            return dataclasses.replace(result, people=tuple(people))

        return keypoint_errors(collect(run, small_dataset.images, small_dataset.annotations))

    return measure


def test_true_keypoints_are_good(kinds):
    people = kinds(lambda first, second: None)
    assert len(people) > 1
    assert all(found is not None and set(found) == {'good'} for _, found in people)


def test_every_kind_of_error(kinds, small_dataset):
    def change(first, second):
        seen = np.flatnonzero(first[:, 2] > 0)
        far = first[seen[0], :2].copy()
        first[seen[0], :2] = far + 1000
        first[seen[1]] = np.nan, np.nan, 0
        first[seen[2], :2], first[seen[3], :2] = first[seen[3], :2].copy(), first[seen[2], :2].copy()
        first[seen[4], :2] = second[np.flatnonzero(second[:, 2] > 0)[0], :2]

    found = [set(found) for _, found in kinds(change) if found and set(found) != {'good'}]
    assert found and found[0] >= {'miss', 'absent', 'inversion', 'swap'}


def test_shares_are_of_the_keypoints_of_those_found():
    people = [(10.0, ['good', 'miss']), (50.0, ['good', 'good']), (60.0, None), (100.0, ['absent'])]
    counted = count_errors(people, 20, 100)
    assert counted == {'people': 2, 'found': 1, 'good': 1.0, **dict.fromkeys(KINDS[1:], 0.0)}
    assert count_errors(people, 0, 1000)['absent'] == pytest.approx(1 / 5)
