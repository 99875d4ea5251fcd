"""What the PRN is trained on: crops that hold what a detector would see of a person and its neighbours."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from mpn_ros.presets import PRNConfig
from mpn_ros.skeleton import COCO
from mpn_ros.training.prn_data import CropSampler, ucr_prior
from mpn_ros.training.prn_labels import LabelledPeople
from mpn_ros.training.prn_noise import EXACT, DetectorNoise

BOX = np.float32([[100, 100, 200, 300], [150, 120, 250, 320], [20, 20, 60, 100]])


def three_people() -> LabelledPeople:
    """Two who overlap in image 3, one alone in image 8; all keypoints labelled but the last person's nose."""
    random = np.random.default_rng(0)
    keypoints = random.uniform(0.05, 0.95, (3, 17, 2)) * (BOX[:, None, 2:] - BOX[:, None, :2]) + BOX[:, None, :2]
    visibility = np.full((3, 17, 1), 2)
    visibility[2, 0] = 0
    return LabelledPeople(np.array([3, 3, 8]), BOX, np.concatenate([keypoints, visibility], -1).astype(np.float32))


def exact_crops(people: LabelledPeople, box_margin: float, rows: np.ndarray) -> np.ndarray:
    sampler = CropSampler(people, box_margin, EXACT, flip=False)
    return sampler(rows, np.random.default_rng(0)).candidates


class TestCrops:
    def test_exact_crops_hold_the_person_first_and_then_the_neighbours(self) -> None:
        people = three_people()
        samples = CropSampler(people, 0, EXACT, flip=False)(np.array([0]), np.random.default_rng(0))
        corner, size = BOX[0, :2], BOX[0, 2:] - BOX[0, :2]
        for keypoint in range(17):
            assert samples.own[0, keypoint]
            expected = [(p[keypoint, :2] + 0.5 - corner) / size for p in people.keypoints[:2]]
            inside = [xy for xy in expected if (xy >= 0).all() and (xy < 1).all()]
            used = samples.candidates[0, keypoint, samples.candidates[0, keypoint, :, 2] > 0]
            np.testing.assert_allclose(used[:, :2], inside, atol=1e-5)
            np.testing.assert_array_equal(used[:, 2], 1)

    def test_a_keypoint_without_a_label_has_no_owner(self) -> None:
        samples = CropSampler(three_people(), 0, EXACT, flip=False)(np.array([2, 0]), np.random.default_rng(0))
        assert not samples.own[0, 0]
        assert samples.own[0, 1:].all()

    def test_mirrored_crops_swap_left_and_right(self) -> None:
        people = three_people()
        plain = exact_crops(people, 0, np.full(64, 2))[:, :, 0, 0]
        mixed = CropSampler(people, 0, EXACT, flip=True)(np.full(64, 2), np.random.default_rng(0))
        x = mixed.candidates[:, :, 0, 0]
        mirrored = ~np.isclose(x[:, 5], plain[0, 5])
        assert 16 < mirrored.sum() < 48
        np.testing.assert_allclose(x[mirrored][:, 5], 1 - plain[0, COCO.flip[5]], atol=1e-6)
        np.testing.assert_array_equal(mixed.own[:, 0], False)

    def test_margin_widens_the_crop(self) -> None:
        wide, tight = (exact_crops(three_people(), margin, np.array([2]))[0, 1:, 0, :2] for margin in (0.25, 0))
        np.testing.assert_allclose(wide, (tight + 0.25) / 1.5, atol=1e-5)

    @pytest.mark.parametrize(('field', 'value'), [('miss', 0.5), ('mirror', 0.5), ('clutter', 2.0), ('stranger', 1.0)])
    def test_each_noise_changes_the_number_of_peaks(self, field: str, value: float) -> None:
        def mean_peaks(noise: DetectorNoise) -> float:
            samples = CropSampler(three_people(), 0, noise)(np.full(400, 2), np.random.default_rng(0))
            return (samples.candidates[..., 2] > 0).sum((1, 2)).mean()

        change = mean_peaks(dataclasses.replace(EXACT, **{field: value})) - mean_peaks(EXACT)
        expected = {'miss': -16 * 0.5, 'mirror': 15 * 0.5, 'clutter': 17 * 2.0}.get(field)
        if expected is None:
            assert 2 < change < 17
        else:
            assert change == pytest.approx(expected, rel=0.1)

    def test_same_seed_same_samples(self) -> None:
        sampler = CropSampler(three_people(), 0.1, DetectorNoise())
        first, second = (sampler(np.arange(3), np.random.default_rng(4)) for _ in range(2))
        np.testing.assert_array_equal(first.candidates, second.candidates)


def test_prior_is_highest_where_the_keypoint_is() -> None:
    people = three_people()
    config = PRNConfig(height=28, width=18, box_margin=0)
    prior = ucr_prior(people[np.full(200, 2)], config, dataclasses.replace(EXACT, box=0.02))
    assert prior.shape == (28, 18, 17)
    x, y = (people.keypoints[2, 9, :2] + 0.5 - BOX[2, :2]) / (BOX[2, 2:] - BOX[2, :2])
    cell = int(y * 28), int(x * 18)
    mirrored = np.unravel_index(prior[..., 9].argmax(), (28, 18))
    x10, y10 = (people.keypoints[2, 10, :2] + 0.5 - BOX[2, :2]) / (BOX[2, 2:] - BOX[2, :2])
    assert (
        min(
            np.hypot(mirrored[0] - cell[0], mirrored[1] - cell[1]),
            np.hypot(mirrored[0] - int(y10 * 28), mirrored[1] - int((1 - x10) * 18)),
        )
        <= 1.5
    )
    assert prior[..., 9].max() == pytest.approx(1)
    assert prior[..., 0].max() == 0, 'no label, no prior'
