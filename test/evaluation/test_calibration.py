"""Scores become probabilities: the numbers that made them are found again, and every box is judged as COCO does."""

import numpy as np
import pytest
import torch
from scipy.special import expit, logit

pytest.importorskip('pycocotools', reason='evaluation needs pycocotools: pip install pycocotools')
from mpn_ros.errors import DatasetError
from mpn_ros.evaluation.calibration import Calibration, Judged, cross_calibrated, fit, judge
from mpn_ros.evaluation.coco_eval import collect
from mpn_ros.evaluation.reliability import reliability
from mpn_ros.network.detector import DetectorSubnet
from mpn_ros.presets import DetectorConfig
from mpn_ros.result import Person, PoseResult


@pytest.fixture
def judged() -> Judged:
    """40,000 boxes of 400 images; their scores are too modest: the logit of the truth is 2 y + 0.5."""
    random = np.random.default_rng(0)
    truth = random.uniform(0.01, 0.99, 40_000)
    return Judged(np.arange(40_000) % 400, expit((logit(truth) - 0.5) / 2), random.random(40_000) < truth)


def test_the_numbers_that_made_the_scores_are_found(judged):
    calibration = fit(judged)
    assert calibration.scale == pytest.approx(2, abs=0.06) and calibration.shift == pytest.approx(0.5, abs=0.05)


def test_what_is_stated_comes_true_in_the_other_half(judged):
    def gap(stated: np.ndarray) -> float:
        return max(abs(row['stated'] - row['right']) for row in reliability(stated, judged.right))

    assert gap(judged.scores) > 0.1
    assert gap(cross_calibrated(judged)) < 0.04


def test_nothing_is_judged_by_itself():
    """In one half of the images the scores are honest, in the other all are wrong by the same factor."""
    random = np.random.default_rng(0)
    scores, images = random.uniform(0.05, 0.95, 20_000), np.arange(20_000) % 2
    right = random.random(20_000) < np.where(images, expit(3 * logit(scores)), scores)
    stated = cross_calibrated(Judged(images, scores, right))
    np.testing.assert_allclose(stated[images == 0], expit(3 * logit(scores[images == 0])), atol=0.05)
    np.testing.assert_allclose(stated[images == 1], scores[images == 1], atol=0.05)


def test_scores_that_say_the_opposite_are_refused(judged):
    with pytest.raises(DatasetError, match='the lower their score'):
        fit(Judged(judged.images, judged.scores, ~judged.right))


def test_the_best_box_on_a_person_is_right_and_all_others_are_not(small_dataset):
    def pipeline(image, channel_order):
        result = small_dataset.oracle(image)
        if not result.people:
            return result
        person = result.people[0]
        second = Person(person.box + 1, 0.3, person.keypoints)
        nobody = Person(np.array([0, 0, 9, 9], np.float32), 0.2, person.keypoints)
        return PoseResult((*result.people, second, nobody), result.mask)

    found = judge(collect(pipeline, small_dataset.images, small_dataset.annotations))
    assert sorted(zip(found.images.tolist(), found.scores.round(1).tolist(), found.right.tolist(), strict=True)) == [
        (10, 0.2, False),
        (10, 0.3, False),
        (10, 0.9, True),
        (10, 0.9, True),
        (20, 0.2, False),
        (20, 0.3, False),
        (20, 0.9, True),
    ]


def test_a_box_on_a_crowd_is_neither(small_dataset):
    for annotation in small_dataset.content['annotations']:
        annotation['iscrowd'] = int(annotation['image_id'] == 20)
    small_dataset.save()
    found = judge(collect(small_dataset.oracle, small_dataset.images, small_dataset.annotations))
    assert set(found.images.tolist()) == {10} and found.right.all()


@pytest.mark.parametrize('right', [True, False])
def test_one_kind_of_boxes_is_not_enough(right):
    with pytest.raises(DatasetError, match=f'{5 * right} of 5 are right'):
        fit(Judged(np.arange(5), np.full(5, 0.5), np.full(5, right)))


def test_the_ends_of_the_scale_stay_finite():
    assert np.isfinite(Calibration(2.3, 0.5)(np.array([0.0, 1.0]))).all()


@pytest.mark.parametrize('separable', [True, False])
def test_a_rescaled_subnet_answers_the_rescaled_logits(separable):
    torch.manual_seed(0)
    subnet = DetectorSubnet(8, 1, 2, DetectorConfig(width=8, depth=1, separable=separable)).eval()
    pyramid = [torch.randn(1, 8, 8, 8), torch.randn(1, 8, 4, 4)]
    with torch.no_grad():
        before = subnet(pyramid)
        subnet.apply_calibration(2.3, 0.5)
        torch.testing.assert_close(subnet(pyramid), 2.3 * before + 0.5)
