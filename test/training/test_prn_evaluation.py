"""The grouping's AP on labels: what a perfect, a confused and a silent grouper get."""

from __future__ import annotations

import numpy as np
import pytest

from mpn_ros.training.prn_evaluation import grouping_ap, observed
from mpn_ros.training.prn_labels import LabelledPeople
from mpn_ros.training.prn_noise import EXACT, DetectorNoise


def crowd(images: int = 20) -> LabelledPeople:
    """Two people an image, side by side."""
    random = np.random.default_rng(0)
    corner = np.stack([np.zeros((images, 2)), np.full((images, 2), 120.)], 1).reshape(-1, 2)
    box = np.concatenate([corner, corner + 100], 1).astype(np.float32)
    keypoints = corner[:, None] + random.uniform(0, 99, (2 * images, 17, 2))
    return LabelledPeople(np.repeat(np.arange(images) * 7, 2), box,
                          np.concatenate([keypoints, np.full((2 * images, 17, 1), 2)], -1).astype(np.float32))


class Recited:
    """Answers with what it was given, whatever the peaks."""

    def __init__(self, keypoints: np.ndarray, people: LabelledPeople) -> None:
        self.answer = [keypoints[rows] for rows in people.groups()]

    def __call__(self, peaks: list[np.ndarray], boxes: list[np.ndarray]) -> list[np.ndarray]:
        return self.answer


def test_the_truth_gets_everything() -> None:
    people = crowd()
    assert grouping_ap(Recited(people.keypoints * (1, 1, .5), people), people, EXACT)['AP'] == pytest.approx(1)


def test_half_of_the_joints_at_the_neighbour_cost() -> None:
    people = crowd()
    swapped = people.keypoints * (1, 1, .5)
    swapped[:, ::2] = swapped[np.arange(len(people)) ^ 1, ::2]
    assert grouping_ap(Recited(swapped, people), people, EXACT)['AP'] < .2


def test_nothing_seen_gets_nothing() -> None:
    people = crowd()
    silent = np.full_like(people.keypoints, np.nan)
    silent[..., 2] = 0
    assert grouping_ap(Recited(silent, people), people, EXACT)['AP'] == 0


def test_exact_observations_are_the_labels() -> None:
    people = crowd(1)
    peaks, boxes = observed(people, EXACT, np.random.default_rng(0))
    np.testing.assert_array_equal(boxes[0], people.box)
    for joint in range(17):
        used = peaks[0][joint, peaks[0][joint, :, 2] > 0]
        np.testing.assert_allclose(used[:, :2], people.keypoints[:, joint, :2])


def test_clutter_lies_around_the_people() -> None:
    people = crowd(50)
    noise = DetectorNoise(box=0, miss=1, miss_hidden=1, clutter=2)
    peaks, _ = observed(people, noise, np.random.default_rng(0))
    used = np.concatenate([p[p[..., 2] > 0] for p in peaks])
    assert len(used) / (100 * 17) == pytest.approx(2, rel=.1)
    inside = ((used[:, None, :2] >= people.box[:2, :2] - 1) & (used[:, None, :2] <= people.box[:2, 2:])).all(-1).any(1)
    assert inside.all()
