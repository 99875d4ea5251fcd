"""What a grouper is given of an image: peaks and boxes, true, simulated, or a network's own."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mpn_ros.coco import PersonDataset
from mpn_ros.pipeline.crops import to_crop_coordinates
from mpn_ros.pipeline.pipeline import PosePipeline
from mpn_ros.training.prn_labels import LabelledPeople
from mpn_ros.training.prn_noise import AREA_OF_BOX, DetectorNoise, detected, false_positives, jitter, left_right_swaps


@dataclass(frozen=True)
class GroupingInput:
    """One image as a grouper sees it, in its pixels, and its labels.

    peaks: ``(K, N, 3)`` x, y, score. boxes: ``(M, 5)`` x0, y0, x1, y1, score. truth: COCO annotations of its persons.
    own: ``(M, K, 3)`` the peak that belongs to each box, score 0 for none; None where nobody knows.
    """

    image_id: int
    peaks: np.ndarray
    boxes: np.ndarray
    truth: Sequence[dict[str, Any]]
    own: np.ndarray | None = None


def simulated(people: LabelledPeople, noise: DetectorNoise, seed: int = 0) -> list[GroupingInput]:
    """What detectors with ``noise`` find of labelled people. An annotation's ``area`` is ``AREA_OF_BOX`` of the box's,
    since labels alone do not tell it."""
    random = np.random.default_rng(seed)
    boxes = np.c_[jitter(people.box, noise, random), np.ones(len(people))]
    own = detected(people, noise, random)
    points = own[:, :, None]
    weak = false_positives(to_crop_coordinates(points, people.box), noise, random)
    corner, size = people.box[:, None, None, :2], (people.box[:, 2:] - people.box[:, :2])[:, None, None]
    weak[..., :2] = weak[..., :2] * size + corner - 0.5
    peaks = np.concatenate([points, left_right_swaps(points, noise, random), weak], 2)
    return [
        GroupingInput(
            int(people.image_id[rows[0]]),
            np.concatenate(list(peaks[rows]), 1),
            boxes[rows],
            [_annotation(people, row) for row in rows],
            own[rows],
        )
        for rows in people.groups()
    ]


def true_peaks_and_boxes(dataset: PersonDataset) -> list[GroupingInput]:
    """The labels of each image: the keypoints of all persons as peaks of score 1, and the boxes of those that have
    keypoints."""
    found = []
    for image in dataset.images:
        truth = dataset.annotations_of(image)
        persons = [label for label in truth if label['num_keypoints'] and not label['iscrowd']]
        peaks = np.array([label['keypoints'] for label in persons], float).reshape(-1, len(dataset.layout), 3)
        peaks[..., 2] = peaks[..., 2] > 0
        peaks = peaks if persons else np.zeros((1, len(dataset.layout), 3))
        boxes = np.array([[*label['bbox'], 1] for label in persons], float).reshape(-1, 5)
        boxes[:, 2:4] += boxes[:, :2]
        found.append(GroupingInput(image.id, peaks.swapaxes(0, 1), boxes, truth))
    return found


def detected_by(pipeline: PosePipeline, dataset: PersonDataset) -> Iterable[GroupingInput]:
    """The peaks and boxes that a pipeline's network finds in each image. Raises DatasetError."""
    for image in dataset.images:
        yield GroupingInput(image.id, *pipeline.detect_raw(image.read(), 'bgr'), dataset.annotations_of(image))


def with_boxes_of(peaks: Sequence[GroupingInput], boxes: Sequence[GroupingInput]) -> list[GroupingInput]:
    """The peaks of one with the boxes of the other."""
    return [dataclasses.replace(p, boxes=b.boxes) for p, b in zip(peaks, boxes, strict=True)]


def _annotation(people: LabelledPeople, row: int) -> dict[str, Any]:
    x0, y0, x1, y1 = people.box[row].tolist()
    return {
        'image_id': int(people.image_id[row]),
        'bbox': [x0, y0, x1 - x0, y1 - y0],
        'iscrowd': 0,
        'area': (x1 - x0) * (y1 - y0) * AREA_OF_BOX,
        'keypoints': people.keypoints[row].ravel().tolist(),
        'num_keypoints': int((people.keypoints[row, :, 2] > 0).sum()),
    }
