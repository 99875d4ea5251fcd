"""Which crops are shown: those of people who overlap, where the first grouper is furthest ahead."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip('matplotlib', reason='matplotlib is in the extra `train` and is not installed')

from mpn_ros.evaluation.crop_pictures import crops_that_differ, draw_crops
from mpn_ros.evaluation.grouping_input import simulated
from mpn_ros.skeleton import COCO
from mpn_ros.training.prn_labels import LabelledPeople
from mpn_ros.training.prn_noise import EXACT


def people(shifts: list[float]) -> LabelledPeople:
    """Two people of 100 x 100 pixels an image, the second shifted to the right."""
    corner = np.array([[0.0, 0.0] if first else [shift, 0.0] for shift in shifts for first in (True, False)])
    keypoints = corner[:, None] + np.random.default_rng(0).uniform(5, 95, (len(corner), 17, 2))
    return LabelledPeople(
        np.repeat(np.arange(len(shifts)), 2),
        np.c_[corner, corner + 100].astype(np.float32),
        np.concatenate([keypoints, np.full((len(corner), 17, 1), 2)], -1).astype(np.float32),
    )


class Wrong:
    """Gives each of two people the first ``keypoints`` of the other; in image 2 all of them."""

    def __init__(self, keypoints: int) -> None:
        self.keypoints, self.image = keypoints, -1

    def __call__(self, peaks: list[np.ndarray], boxes: list[np.ndarray]) -> list[np.ndarray]:
        self.image += 1
        people = peaks[0][:, peaks[0][0, :, 2] > 0].swapaxes(0, 1)
        swapped = self.keypoints if self.image != 2 or not self.keypoints else 17
        people[:, :swapped] = people[::-1, :swapped]
        return [people.astype(np.float32)]


def test_the_furthest_ahead_of_those_who_overlap_comes_first() -> None:
    """Image 0 does not overlap; in image 2 the second grouper is more wrong than in images 1 and 3."""
    images = simulated(people([120, 30, 30, 30]), EXACT)
    crops = crops_that_differ({'right': Wrong(0), 'wrong': Wrong(6)}, images, 2, 0.3, COCO)
    assert [crop.image_id for crop in crops][0] == 2
    assert 0 not in [crop.image_id for crop in crops] and len({crop.image_id for crop in crops}) == 2
    assert crops[0].oks['right'] == pytest.approx(1) and crops[0].oks['wrong'] < 0.5
    assert len(crops[0].others) == 1


def test_a_row_for_each_crop_and_a_panel_for_each_grouper() -> None:
    images = simulated(people([30, 30]), EXACT)
    figure = draw_crops(crops_that_differ({'right': Wrong(0), 'wrong': Wrong(6)}, images, 2, 0.3, COCO), COCO)
    assert len(figure.axes) == 2 * 3
    assert figure.axes[1].get_title() == 'right, OKS 1.00'


def test_nobody_overlaps() -> None:
    images = simulated(people([120]), EXACT)
    assert crops_that_differ({'right': Wrong(0), 'wrong': Wrong(6)}, images, 3, 0.3, COCO) == []
