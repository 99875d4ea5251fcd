from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from mpn_ros.skeleton import COCO, UNIFORM_SIGMA, SkeletonLayout, make_layout, oks


def test_coco_has_its_seventeen_keypoints_in_the_published_order():
    assert len(COCO) == len(COCO.sigmas) == 17
    assert COCO.names[:5] == ('nose', 'left_eye', 'right_eye', 'left_ear', 'right_ear')
    assert COCO.names[15:] == ('left_ankle', 'right_ankle')


def test_a_mirrored_person_swaps_sides_and_nothing_else():
    mirrored = [COCO.names[i] for i in COCO.flip]
    swapped = [name.replace('left', 'RIGHT').replace('right', 'left').lower() for name in COCO.names]
    assert mirrored == swapped
    assert [COCO.flip[i] for i in COCO.flip] == list(range(17))


def test_bones_are_the_same_in_the_mirror_and_join_all_keypoints():
    bones = {frozenset(edge) for edge in COCO.edges}
    assert {frozenset(COCO.flip[i] for i in edge) for edge in COCO.edges} == bones
    assert len(bones) == len(COCO.edges) and set().union(*bones) == set(range(17))


@pytest.mark.parametrize(
    'wrong', [{'sigmas': (0.1,)}, {'flip': (0, 0)}, {'flip': (0,)}, {'edges': ((0, 2),)}, {'edges': ((-1, 0),)}]
)
def test_a_layout_that_contradicts_itself_is_refused(wrong):
    layout = {'names': ('head', 'tail'), 'edges': ((0, 1),), 'flip': (0, 1), 'sigmas': (0.1, 0.1)}
    SkeletonLayout(**layout)
    with pytest.raises(ValueError):
        SkeletonLayout(**{**layout, **wrong})


def test_the_mirror_comes_from_the_names_and_the_given_pairs():
    layout = make_layout(('tail', 'left_ear', 'l_eye', 'right_ear', 'r_eye'), ((0, 1),), pairs=[('l_eye', 'r_eye')])
    assert layout.flip == (0, 3, 4, 1, 2)
    assert layout.sigmas == (UNIFORM_SIGMA,) * 5 and pytest.approx(np.mean(COCO.sigmas), abs=5e-4) == UNIFORM_SIGMA


def test_a_layout_survives_json():
    assert SkeletonLayout.from_dict(json.loads(json.dumps(dataclasses.asdict(COCO)))) == COCO


def test_oks_of_a_perfect_pose_is_one_and_of_a_lost_one_zero():
    truth, seen = np.random.default_rng(0).uniform(0, 100, (17, 2)), np.ones(17, bool)
    assert oks(truth, truth, seen, 5000) == 1
    assert oks(truth + 1e4, truth, seen, 5000) == pytest.approx(0)
    assert oks(truth, truth, ~seen, 5000) == 0


def test_oks_falls_to_its_known_value_at_two_sigmas():
    """At a distance of 2 sigma sqrt(area) the similarity is exp(-1/2)."""
    area, truth = 900.0, np.zeros((17, 2))
    pose = np.stack([2 * np.array(COCO.sigmas) * area**0.5, np.zeros(17)], -1)
    assert oks(pose, truth, np.ones(17, bool), area) == pytest.approx(np.exp(-0.5))


def test_oks_reads_visible_keypoints_only():
    truth, seen = np.zeros((17, 2)), np.zeros(17, bool)
    seen[[3, 4]] = True
    pose = truth.copy()
    pose[~seen] = np.nan
    pose[4] = 1e6
    assert oks(pose, truth, seen, 100.0) == pytest.approx(0.5)


def test_oks_is_that_of_pycocotools():
    cocoeval = pytest.importorskip('pycocotools.cocoeval', reason='pycocotools is not installed')
    generator = np.random.default_rng(1)
    truth, pose = generator.uniform(0, 200, (2, 17, 2))
    pose = truth + 0.1 * (pose - truth)
    seen = generator.random(17) < 0.7
    evaluation = cocoeval.COCOeval(iouType='keypoints')
    labelled, found = (np.concatenate([xy, 2.0 * seen[:, None]], -1).ravel().tolist() for xy in (truth, pose))
    evaluation._gts[1, 1] = [
        {'keypoints': labelled, 'num_keypoints': int(seen.sum()), 'bbox': [0, 0, 200, 200], 'area': 7000.0}
    ]
    evaluation._dts[1, 1] = [{'keypoints': found, 'score': 1.0}]
    evaluation.params.catIds = [1]
    expected = evaluation.computeOks(1, 1)[0, 0]
    assert oks(pose, truth, seen, 7000.0) == pytest.approx(expected) and 0.05 < expected < 0.95
