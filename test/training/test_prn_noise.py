"""The simulated detectors err as much as they say."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from mpn_ros.errors import ParameterError
from mpn_ros.skeleton import COCO
from mpn_ros.training.prn_labels import LabelledPeople
from mpn_ros.training.prn_noise import AREA_OF_BOX, EXACT, DetectorNoise, detected, jitter, left_right_swaps


def crowd(visibility: int, count: int = 3000) -> LabelledPeople:
    keypoints = np.full((count, 17, 3), (50, 50, visibility), np.float32)
    return LabelledPeople(np.arange(count), np.tile(np.float32([0, 0, 100, 200]), (count, 1)), keypoints)


def test_exact_is_exact() -> None:
    people, random = crowd(2), np.random.default_rng(0)
    np.testing.assert_array_equal(jitter(people.box, EXACT, random), people.box)
    np.testing.assert_array_equal(detected(people, EXACT, random), np.full((3000, 17, 3), (50, 50, 1)))


def test_boxes_jitter_with_their_size() -> None:
    boxes = jitter(crowd(2).box, DetectorNoise(box=0.05), np.random.default_rng(0))
    np.testing.assert_allclose(boxes.std(0), [5, 10, 5, 10], rtol=0.1)


def test_peaks_spread_as_the_keypoints_sigmas() -> None:
    peaks = detected(crowd(2), dataclasses.replace(EXACT, position=0.5), np.random.default_rng(0))
    expected = 0.5 * np.asarray(COCO.sigmas) * np.sqrt(100 * 200 * AREA_OF_BOX)
    np.testing.assert_allclose(peaks[..., :2].std(0), np.stack([expected, expected], -1), rtol=0.1)


def test_hidden_keypoints_are_missed_more_and_score_less() -> None:
    noise, random = DetectorNoise(), np.random.default_rng(0)
    seen, hidden, unlabelled = (detected(crowd(visibility), noise, random)[..., 2] for visibility in (2, 1, 0))
    assert (seen == 0).mean() == pytest.approx(noise.miss, abs=0.01)
    assert (hidden == 0).mean() == pytest.approx(noise.miss_hidden, abs=0.01)
    assert not unlabelled.any()
    assert seen[seen > 0].mean() > hidden[hidden > 0].mean() + 0.1


def test_left_right_swaps_stand_on_the_other_side_and_are_weaker() -> None:
    points = np.random.default_rng(0).uniform(0.1, 0.9, (500, 17, 1, 3))
    found = left_right_swaps(points, dataclasses.replace(EXACT, mirror=0.3), np.random.default_rng(0))
    fired = found[..., 2] > 0
    assert fired[:, 1:].mean() == pytest.approx(0.3, abs=0.02)
    assert not fired[:, 0].any(), 'the nose has no other side'
    others = points[:, list(COCO.flip)]
    np.testing.assert_array_equal(found[fired][:, :2], others[fired][:, :2])
    assert (found[fired][:, 2] <= others[fired][:, 2]).all()


def test_no_peak_is_below_the_bound_that_the_network_has() -> None:
    noise, random = DetectorNoise(lowest=0.02, seen=0.1, hidden=0.05), np.random.default_rng(0)
    seen, hidden = (detected(crowd(visibility), noise, random)[..., 2] for visibility in (2, 1))
    for scores in (seen, hidden):
        assert scores[scores > 0].min() == pytest.approx(0.02) and (abs(scores - 0.02) < 1e-6).mean() > 0.1
    assert seen[seen > 0].mean() > hidden[hidden > 0].mean()


@pytest.mark.parametrize(
    ('wrong', 'sentence'),
    [
        ({'miss': 1.5}, "noise 'miss' must be 0 to 1, not 1.5"),
        ({'position': -1}, "noise 'position' must be 0 to inf, not -1"),
    ],
)
def test_impossible_noise_ends_in_a_sentence(wrong: dict[str, float], sentence: str) -> None:
    with pytest.raises(ParameterError, match=sentence):
        DetectorNoise(**wrong)
