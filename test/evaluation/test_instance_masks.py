"""AP of each person's own pixels: the truth is perfect, and who overlaps whom is told apart."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip('pycocotools', reason='evaluation needs pycocotools: pip install pycocotools')
from pycocotools import mask as coco_mask

from mpn_ros.coco import DatasetImage
from mpn_ros.evaluation.coco_eval import collect
from mpn_ros.evaluation.instance_masks import InstanceMasks, boxed_runs, instance_runs, overlapping
from mpn_ros.instances import instance_mask
from mpn_ros.result import Person, PoseResult

NO_KEYPOINTS = np.full((17, 3), (np.nan, np.nan, 0), np.float32)


def person(x0: int, x1: int, score: float = 0.9, at: float | None = None) -> Person:
    """In a box of 40 rows, with a spine at ``at``."""
    keypoints = NO_KEYPOINTS.copy()
    if at is not None:
        keypoints[5], keypoints[11] = (at, 5, 1), (at, 35, 1)
    return Person(np.array([x0, 0, x1, 40], np.float32), score, keypoints)


def test_the_truth_is_perfect(small_dataset):
    segm = collect(small_dataset.oracle, small_dataset.images, small_dataset.annotations, instances=True).figures()[
        'segm'
    ]
    assert segm['instance_mask']['all']['AP'] == segm['mask_in_boxes']['all']['AP'] == pytest.approx(1)
    assert segm['instance_mask']['overlapping']['AP'] is None, 'nobody overlaps anybody'


def test_it_is_measured_only_where_it_is_asked_for(small_dataset):
    assert collect(small_dataset.oracle, small_dataset.images, small_dataset.annotations).figures()['segm'] is None


def test_where_people_overlap_their_own_pixels_are_worth_more_than_the_mask_in_boxes():
    mask = np.full((40, 100), 255, np.uint8)
    result = PoseResult((person(0, 70, at=20), person(30, 100, at=80)), mask)
    truth = [
        {'id': n, 'bbox': [x, 0, 70, 40], 'area': 2000, 'iscrowd': 0, 'segmentation': [[a, 0, b, 0, b, 40, a, 40]]}
        for n, (x, a, b) in enumerate([(0, 0, 50), (30, 50, 100)])
    ]
    measured = InstanceMasks()
    measured.add(result, DatasetImage(1, None, 100, 40), truth)
    figures = measured.figures()
    assert figures['instance_mask']['overlapping']['AP'] > 0.9
    assert figures['mask_in_boxes']['overlapping']['AP'] < 0.6


def test_crowds_overlap_nobody_and_nobody_overlaps_them():
    boxes = [([0, 0, 10, 10], 0), ([0, 0, 10, 10], 1), ([20, 0, 10, 10], 0), ([25, 0, 10, 10], 0), ([34, 0, 10, 10], 0)]
    labels = [{'bbox': box, 'iscrowd': crowd} for box, crowd in boxes]
    assert overlapping(labels) == [False, False, True, True, False] and overlapping([]) == []


def test_the_faint_take_nothing_from_the_sure():
    mask = np.full((40, 100), 255, np.uint8)
    sure, faint = person(0, 70, at=20), person(30, 100, 0.1, at=60)
    alone, both = (instance_runs(PoseResult(people, mask)) for people in ((sure,), (sure, faint)))
    assert coco_mask.area(alone[0]) == coco_mask.area(both[0]) == 70 * 40
    assert 50 * 40 < coco_mask.area(both[1]) < 65 * 40, 'what is nearer to it than to the sure'
    equal = instance_runs(PoseResult((sure, person(30, 100, 0.8, at=60)), mask))
    assert coco_mask.area(equal[0]) < 50 * 40


def test_the_pixels_are_those_that_the_node_publishes_at_the_persons_own_threshold():
    random = np.random.default_rng(0)
    mask = (random.random((217, 333)) < 0.9).astype(np.uint8) * 255
    people = []
    for score in (0.9, 0.6, 0.3, 0.2, 0.1):
        corner, size = random.uniform((-20, -20), (250, 150)), random.uniform(30, 200, 2)
        points = np.column_stack([random.uniform(corner, corner + size, (17, 2)), random.random(17)])
        people.append(Person(np.concatenate([corner, corner + size]).astype(np.float32), score, points))
    runs = instance_runs(PoseResult(tuple(people), mask))
    for index, run in enumerate(runs):
        shown = instance_mask(mask, people[: max(2, index + 1)])  # two are sure
        np.testing.assert_array_equal(coco_mask.decode(run) > 0, shown == index + 1)
    assert all(coco_mask.area(run) for run in runs)


def test_the_baseline_is_all_of_the_mask_in_a_box():
    mask = np.zeros((40, 100), np.uint8)
    mask[:, 50:60] = 255
    result = PoseResult((person(0, 55), person(30, 100)), mask)
    assert [int(coco_mask.area(run)) for run in boxed_runs(result)] == [200, 400]
    assert boxed_runs(PoseResult((), mask)) == instance_runs(PoseResult((), mask)) == []
