"""Results become COCO results without inventing positions."""

from __future__ import annotations

import numpy as np
import pytest

from mpn_ros.evaluation.results import box_results, keypoint_results, pose_score
from mpn_ros.result import Person, PoseResult

UNSEEN = (np.nan, np.nan, 0)


def person(score: float, *points: tuple[float, float, float]) -> Person:
    keypoints = np.array([*points, *[UNSEEN] * (17 - len(points))], np.float32)
    return Person(np.array([10, 20, 40, 100], np.float32), score, keypoints)


def test_pose_score_counts_the_keypoints_that_are_seen():
    assert pose_score(person(0.8, (1, 2, 0.5), (3, 4, 1.0))) == pytest.approx(0.8 * 0.75)
    assert pose_score(person(0.8)) == 0


def test_keypoints_not_seen_are_zero_and_do_not_stretch_the_pose():
    result = PoseResult((person(0.8, (15, 30, 0.5)),), np.zeros((200, 200), np.uint8))
    (entry,) = keypoint_results(result, image_id=7)
    assert entry['keypoints'] == [15, 30, 0.5] + [0] * 48
    assert entry['area'] == 30 * 80
    assert entry['image_id'] == 7


def test_a_person_without_keypoints_is_a_box_but_no_pose():
    result = PoseResult((person(0.8),), np.zeros((200, 200), np.uint8))
    assert keypoint_results(result, 1) == []
    (entry,) = box_results(result, 1)
    assert entry['bbox'] == [10, 20, 30, 80]
    assert entry['score'] == pytest.approx(0.8)
