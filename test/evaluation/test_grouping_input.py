"""What groupers are given: labels as they are, and as detectors would find them."""

from __future__ import annotations

import numpy as np
import pytest

from mpn_ros.coco import read_dataset
from mpn_ros.evaluation.grouping_input import simulated, true_peaks_and_boxes, with_boxes_of
from mpn_ros.training.prn_labels import LabelledPeople
from mpn_ros.training.prn_noise import EXACT, DetectorNoise


def crowd(images: int) -> LabelledPeople:
    """Two people an image, side by side."""
    random = np.random.default_rng(0)
    corner = np.stack([np.zeros((images, 2)), np.full((images, 2), 120.0)], 1).reshape(-1, 2)
    box = np.concatenate([corner, corner + 100], 1).astype(np.float32)
    keypoints = corner[:, None] + random.uniform(0, 99, (2 * images, 17, 2))
    return LabelledPeople(
        np.repeat(np.arange(images) * 7, 2),
        box,
        np.concatenate([keypoints, np.full((2 * images, 17, 1), 2)], -1).astype(np.float32),
    )


def test_exact_detectors_find_the_labels() -> None:
    people = crowd(1)
    [image] = simulated(people, EXACT)
    np.testing.assert_array_equal(image.boxes, np.c_[people.box, np.ones(2)])
    for keypoint in range(17):
        used = image.peaks[keypoint, image.peaks[keypoint, :, 2] > 0]
        np.testing.assert_allclose(used[:, :2], people.keypoints[:, keypoint, :2])
    assert [label['num_keypoints'] for label in image.truth] == [17, 17]


def test_clutter_lies_around_the_people() -> None:
    people = crowd(50)
    images = simulated(people, DetectorNoise(box=0, miss=1, miss_hidden=1, clutter=2))
    used = np.concatenate([image.peaks[image.peaks[..., 2] > 0] for image in images])
    assert len(used) / (100 * 17) == pytest.approx(2, rel=0.1)
    inside = ((used[:, None, :2] >= people.box[:2, :2] - 1) & (used[:, None, :2] <= people.box[:2, 2:])).all(-1).any(1)
    assert inside.all()
    assert not any(image.own[..., 2].any() for image in images if image.own is not None)


def test_true_boxes_are_those_of_people_with_keypoints(small_dataset) -> None:
    dataset = read_dataset(small_dataset.images, small_dataset.annotations)
    for image, observed in zip(dataset.images, true_peaks_and_boxes(dataset)):
        persons = [label for label in dataset.annotations_of(image) if label['num_keypoints'] and not label['iscrowd']]
        assert observed.boxes.shape == (len(persons), 5)
        assert observed.peaks.shape == (17, max(1, len(persons)), 3)
        assert (observed.peaks[..., 2] > 0).sum() == sum(person['num_keypoints'] for person in persons)
        for box, person in zip(observed.boxes, persons):
            x, y, width, height = person['bbox']
            np.testing.assert_allclose(box, [x, y, x + width, y + height, 1])


def test_peaks_of_one_with_boxes_of_another() -> None:
    exact, found = simulated(crowd(3), EXACT), simulated(crowd(3), DetectorNoise())
    for mixed, peaks, boxes in zip(with_boxes_of(exact, found), exact, found):
        assert mixed.peaks is peaks.peaks and mixed.boxes is boxes.boxes
