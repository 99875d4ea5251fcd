"""A person found twice stays once, by the OKS that pycocotools computes; two people who overlap stay two."""

from __future__ import annotations

import numpy as np
import pytest

from mpn_ros.evaluation.oks_nms import oks_nms
from mpn_ros.result import Person
from mpn_ros.skeleton import COCO

SIGMAS = np.array(COCO.sigmas)
SIDE = 100.0
"""Width and height of every box, in pixels."""


def pose(x: float = 0, score: float = 0.9, visible=range(17)) -> Person:
    """A person whose keypoints lie on a diagonal, all displaced by ``x`` times what costs each exp(-1/2) of OKS."""
    keypoints = np.full((17, 3), (np.nan, np.nan, 0), np.float32)
    seen = list(visible)
    line = np.linspace(10, 90, 17)
    keypoints[seen, 0] = (line + x * 2 * SIGMAS * SIDE)[seen]
    keypoints[seen, 1] = line[seen]
    keypoints[seen, 2] = 0.5
    return Person(np.array([0, 0, SIDE, SIDE], np.float32), score, keypoints)


def test_of_two_answers_about_a_person_the_better_one_stays():
    weak, strong = pose(x=0.1, score=0.6), pose(score=0.8)
    assert oks_nms([weak, strong], threshold=0.5) == [strong]


def test_the_bound_is_the_similarity_by_hand():
    """At the displacement 1 every keypoint has exp(-1/2) = 0.607."""
    pair = [pose(score=0.8), pose(x=1, score=0.6)]
    assert oks_nms(pair, threshold=0.61) == pair
    assert oks_nms(pair, threshold=0.60) == pair[:1]


def test_one_that_is_gone_takes_nobody_with_it():
    """The second is near the first, the third near the second alone."""
    first, second, third = pose(score=0.9), pose(x=1, score=0.8), pose(x=2, score=0.7)
    assert oks_nms([third, second, first], threshold=0.5) == [first, third]


def test_only_keypoints_that_both_have_are_compared():
    upper, lower = pose(score=0.8, visible=range(8)), pose(score=0.6, visible=range(8, 17))
    assert oks_nms([upper, lower], threshold=0.5) == [upper, lower]
    assert oks_nms([upper, pose(score=0.6)], threshold=0.5) == [upper]


def test_nobody_is_nobody():
    assert oks_nms([], threshold=0.5) == []


def test_the_similarity_is_that_of_pycocotools():
    cocoeval = pytest.importorskip('pycocotools.cocoeval', reason='pycocotools is not installed')
    random = np.random.default_rng(0)
    better, other = pose(score=0.9), pose(score=0.5)
    other.keypoints[:, :2] += random.normal(0, 6, (17, 2))
    evaluation = cocoeval.COCOeval(iouType='keypoints')
    evaluation._gts[1, 1] = [
        {
            'keypoints': np.nan_to_num(better.keypoints).ravel().tolist(),
            'num_keypoints': 17,
            'bbox': [0, 0, SIDE, SIDE],
            'area': SIDE**2,
        }
    ]
    evaluation._dts[1, 1] = [{'keypoints': np.nan_to_num(other.keypoints).ravel().tolist(), 'score': 1.0}]
    evaluation.params.catIds = [1]
    expected = evaluation.computeOks(1, 1)[0, 0]
    assert 0.2 < expected < 0.9
    assert len(oks_nms([better, other], threshold=expected + 1e-4)) == 2
    assert len(oks_nms([better, other], threshold=expected - 1e-4)) == 1
