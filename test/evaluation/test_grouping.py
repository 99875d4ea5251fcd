"""The grouping's figures: what a perfect, a confused and a silent grouper get."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

pytest.importorskip('pycocotools', reason='evaluation needs pycocotools: pip install pycocotools')

from mpn_ros.evaluation.grouping import grouping_figures, keypoint_rates, keypoint_reliability  # noqa: E402
from mpn_ros.evaluation.grouping_input import GroupingInput, simulated  # noqa: E402
from mpn_ros.training.prn_labels import LabelledPeople  # noqa: E402
from mpn_ros.training.prn_noise import EXACT  # noqa: E402


def pairs(images: int = 20, shift: float = 120.0) -> LabelledPeople:
    """Two people of 100 x 100 pixels an image, the second ``shift`` pixels to the right of the first."""
    random = np.random.default_rng(0)
    corner = np.stack([np.zeros((images, 2)), np.tile([shift, 0.0], (images, 1))], 1).reshape(-1, 2)
    box = np.concatenate([corner, corner + 100], 1).astype(np.float32)
    keypoints = corner[:, None] + random.uniform(0, 99, (2 * images, 17, 2))
    return LabelledPeople(
        np.repeat(np.arange(images) * 7, 2),
        box,
        np.concatenate([keypoints, np.full((2 * images, 17, 1), 2)], -1).astype(np.float32),
    )


Change = Callable[[np.ndarray], np.ndarray]


class Reciting:
    """Answers the own peaks of every person, changed by ``change``, whatever it is given."""

    def __init__(self, images: list[GroupingInput], change: Change = lambda poses: poses) -> None:
        self.answers = iter([change(np.array(image.own)) for image in images * 2])

    def __call__(self, peaks: list[np.ndarray], boxes: list[np.ndarray]) -> list[np.ndarray]:
        return [next(self.answers)]


def swapped(poses: np.ndarray) -> np.ndarray:
    poses[:, ::2] = poses[::-1, ::2]
    return poses


def silent(poses: np.ndarray) -> np.ndarray:
    return np.full_like(poses, (np.nan, np.nan, 0))


def test_the_truth_gets_everything() -> None:
    images = simulated(pairs(), EXACT)
    assert grouping_figures(Reciting(images), images)['all']['AP'] == pytest.approx(1)
    assert keypoint_rates(Reciting(images), images)['own'] == 1


def test_half_of_the_keypoints_at_the_neighbour_cost() -> None:
    images = simulated(pairs(), EXACT)
    assert grouping_figures(Reciting(images, swapped), images)['all']['AP'] < 0.2
    assert keypoint_rates(Reciting(images, swapped), images)['own'] == pytest.approx(8 / 17)


def test_nothing_seen_gets_nothing_but_refuses_all() -> None:
    people = pairs(shift=20)
    people.keypoints[::2, :, 2] = 0
    people.keypoints[::2, 0, 2] = 2
    images = simulated(people, EXACT)
    assert grouping_figures(Reciting(images, silent), images)['all']['AP'] == 0
    assert keypoint_rates(Reciting(images, silent), images) == {'own': 0, 'refused': 1}


def test_a_keypoint_of_the_neighbour_is_not_refused() -> None:
    """The first of each pair has a nose only; an answer that gives it all of the neighbour's keypoints refuses none."""
    people = pairs(shift=20)
    people.keypoints[::2, 1:, 2] = 0
    images = simulated(people, EXACT)

    def greedy(poses: np.ndarray) -> np.ndarray:
        poses[0, 1:] = poses[1, 1:]
        return poses

    assert keypoint_rates(Reciting(images, greedy), images) == {'own': 1, 'refused': 0}


@pytest.mark.parametrize(
    ('shift', 'parts'),
    [(120, ['all']), (45, ['all', 'overlap > 0.3']), (20, ['all', 'overlap > 0.3', 'overlap > 0.5'])],
)
def test_parts_are_those_who_overlap(shift: float, parts: list[str]) -> None:
    """Boxes of 100 pixels that are 45 apart share 55 of 145, those 20 apart 80 of 120."""
    images = simulated(pairs(shift=shift), EXACT)
    figures = grouping_figures(Reciting(images), images)
    assert [part for part, values in figures.items() if values['AP'] is not None] == parts


def test_who_overlaps_nobody_is_neither_asked_for_nor_held_against() -> None:
    """A third person far away, answered in one half of the images and missing in the other, all the same to the part
    of those who overlap; confused couples are not."""
    people = pairs(shift=20)
    alone = people[np.arange(0, 40, 2)]
    alone.box[:] += 500
    alone.keypoints[..., :2] += 500
    order = np.argsort(np.concatenate([people.image_id, alone.image_id]), kind='stable')
    both = LabelledPeople(
        *(
            np.concatenate(parts)[order]
            for parts in (
                (people.image_id, alone.image_id),
                (people.box, alone.box),
                (people.keypoints, alone.keypoints),
            )
        )
    )
    images = simulated(both, EXACT)

    def without_the_third(poses: np.ndarray) -> np.ndarray:
        poses[2] = np.nan, np.nan, 0
        return poses

    figures = grouping_figures(Reciting(images, without_the_third), images)
    assert figures['all']['AP'] < 0.8
    assert figures['overlap > 0.5']['AP'] == pytest.approx(1)
    assert grouping_figures(Reciting(images), images)['overlap > 0.5']['AP'] == pytest.approx(1)


def test_reliability_sets_what_is_stated_beside_what_is_right() -> None:
    """Keypoints are stated at 0.85; half of them are the neighbour's. The first is stated at 0.25 and right."""
    images = simulated(pairs(), EXACT)

    def half_sure(poses: np.ndarray) -> np.ndarray:
        poses[..., 2] = 0.85
        poses[:, 1::2] = poses[::-1, 1::2]
        poses[:, 0, 2] = 0.25
        return poses

    low, high = keypoint_reliability(Reciting(images, half_sure), images)
    assert low == {'count': 40, 'stated': pytest.approx(0.25), 'right': 1}
    assert high == {'count': 40 * 16, 'stated': pytest.approx(0.85), 'right': 0.5}
