"""Groupers: which peak goes to whom, with networks made by hand so that the right answer is known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment

from mpn_ros.network.prn import PoseResidualNetwork
from mpn_ros.pipeline.grouping import Grouper, MaxGrouper, PRNGrouper, UCRGrouper
from mpn_ros.presets import PRNConfig

WIDTH, HEIGHT = 10, 20
BOX = (100, 200, 200, 400, 0.9)


def place_prn(places: list[tuple[float, float]], box_margin: float = 0.0) -> PoseResidualNetwork:
    """A PRN that looks at nothing but where in the box a peak is: the nearer to its keypoint's place (0..1), the
    likelier."""
    config = PRNConfig(height=HEIGHT, width=WIDTH, nodes=1, residual=0, rectify=False, blur=0, box_margin=box_margin)
    prn = PoseResidualNetwork(config, keypoints=len(places))
    y, x = np.mgrid[0.5:HEIGHT, 0.5:WIDTH]
    logits = [4 - 20 * np.hypot(x / WIDTH - px, y / HEIGHT - py) for px, py in places]
    for parameter in prn.parameters():
        parameter.data.zero_()
    prn.decode.bias.data = torch.from_numpy(np.stack(logits, -1)).float().flatten()
    return prn


def peaks_of(*keypoints: list[tuple[float, float, float]], rows: int = 5) -> np.ndarray:
    """``(K, rows, 3)`` with the unused rows full of positions that must not be read."""
    peaks = np.full((len(keypoints), rows, 3), (150, 300, 0), np.float32)
    for keypoint, found in enumerate(keypoints):
        peaks[keypoint, : len(found)] = np.reshape(found, (-1, 3))
    return peaks


def everyone() -> list[Grouper]:
    prior = np.ones((HEIGHT, WIDTH, 2), np.float32)
    return [MaxGrouper(0), UCRGrouper(prior, 0), PRNGrouper(place_prn([(0.5, 0.5), (0.2, 0.8)]))]


@pytest.mark.parametrize('grouper', everyone(), ids=['max', 'ucr', 'prn'])
class TestEveryGrouper:
    def test_position_is_the_peaks_own(self, grouper: Grouper) -> None:
        [[person]] = grouper([peaks_of([(151.37, 298.61, 0.8)], [])], [np.array([BOX])])
        np.testing.assert_array_equal(person[0, :2], np.float32([151.37, 298.61]))
        assert 0 < person[0, 2] <= np.float32(0.8)
        assert person.dtype == np.float32

    def test_keypoint_without_a_peak_is_not_seen(self, grouper: Grouper) -> None:
        [[person]] = grouper([peaks_of([(150, 300, 0.8)], [])], [np.array([BOX])])
        assert np.isnan(person[1, :2]).all()
        assert person[1, 2] == 0

    def test_peaks_outside_the_box_are_nobodys(self, grouper: Grouper) -> None:
        outside = [(99, 300, 1), (200, 300, 1), (150, 199, 1), (150, 400, 1)]
        [[person]] = grouper([peaks_of(outside, outside)], [np.array([BOX])])
        assert np.isnan(person[:, :2]).all()

    def test_images_do_not_mix(self, grouper: Grouper) -> None:
        """Each image of a batch gets what it gets alone, also where some have nobody or nothing."""
        random = np.random.default_rng(0)
        images = []
        for rows, people in ((5, 3), (2, 0), (9, 1), (4, 6)):
            peaks = random.uniform(0, 1, (2, rows, 3)).astype(np.float32) * (100, 200, 1)
            peaks[0, 0, 2] = 0
            corner = random.uniform(0, 60, (people, 2))
            boxes = np.concatenate([corner, corner + random.uniform(20, 90, (people, 2))], 1)
            images.append((peaks.astype(np.float32), boxes))
        images.append((np.zeros((2, 3, 3), np.float32), np.array([BOX])))
        together = grouper([p for p, _ in images], [b for _, b in images])
        for (peaks, boxes), found in zip(images, together, strict=True):
            assert found.shape == (len(boxes), 2, 3)
            np.testing.assert_allclose(found, grouper([peaks], [boxes])[0], rtol=1e-5)

    def test_nobody(self, grouper: Grouper) -> None:
        [found] = grouper([peaks_of([(150, 300, 1)], [])], [np.zeros((0, 5))])
        assert found.shape == (0, 2, 3)


def test_margin_widens_the_box() -> None:
    peaks, boxes = [peaks_of([(95, 300, 1)])], [np.array([BOX])]
    assert np.isnan(MaxGrouper(0.04)(peaks, boxes)[0][0, 0, 0])
    assert MaxGrouper(0.06)(peaks, boxes)[0][0, 0, 0] == 95
    assert PRNGrouper(place_prn([(0.5, 0.5)], box_margin=0.06), floor=1e-6)(peaks, boxes)[0][0, 0, 0] == 95


def test_max_takes_the_highest() -> None:
    [[person]] = MaxGrouper(0)([peaks_of([(120, 220, 0.4), (180, 390, 0.7), (150, 300, 0.6)])], [np.array([BOX])])
    np.testing.assert_allclose(person, [[180, 390, 0.7]], rtol=1e-6)


def test_ucr_weighs_with_the_prior_of_the_place() -> None:
    prior = np.full((HEIGHT, WIDTH, 1), 0.1, np.float32)
    prior[10, 5] = 1
    [[person]] = UCRGrouper(prior, 0)([peaks_of([(120, 220, 0.9), (154, 305, 0.3)])], [np.array([BOX])])
    np.testing.assert_allclose(person, [[154, 305, 0.3]], rtol=1e-6)


def test_prn_score_is_peak_times_likelihood() -> None:
    """One peak in the keypoint's own cell: its logit is that of the cell, and 'none of them' has 0."""
    prn = place_prn([(0.55, 0.525)])
    [[person]] = PRNGrouper(prn)([peaks_of([(154, 304, 0.5)])], [np.array([BOX])])
    assert person[0, 2] == pytest.approx(0.5 / (1 + np.exp(-4)), abs=1e-5)


def test_prn_refuses_what_is_nobodys() -> None:
    """A strong peak at an impossible place is left out; a lower floor lets it pass."""
    prn, peaks, boxes = place_prn([(0.5, 0.1)]), [peaks_of([(150, 390, 1)])], [np.array([BOX])]
    assert np.isnan(PRNGrouper(prn)(peaks, boxes)[0][0, 0, 0])
    assert PRNGrouper(prn, floor=1e-7)(peaks, boxes)[0][0, 0, 0] == 150


def test_prn_leaves_faint_peaks_out() -> None:
    prn, peaks, boxes = place_prn([(0.5, 0.5)]), [peaks_of([(150, 300, 0.05)])], [np.array([BOX])]
    assert np.isnan(PRNGrouper(prn)(peaks, boxes)[0][0, 0, 0])
    assert PRNGrouper(prn, peak_threshold=0.04)(peaks, boxes)[0][0, 0, 0] == 150
    prn.config = dataclasses.replace(prn.config, peak_threshold=0.04)
    assert PRNGrouper(prn)(peaks, boxes)[0][0, 0, 0] == 150, 'the bound travels with the network'


def test_one_peak_goes_to_one_person() -> None:
    """Two equal boxes, one peak: one person has it, the other does not see the keypoint."""
    boxes = np.array([BOX, BOX])
    [people] = PRNGrouper(place_prn([(0.5, 0.5)]))([peaks_of([(150, 300, 1)])], [boxes])
    assert np.isfinite(people[:, 0, 0]).sum() == 1


def test_conflicts_are_solved_for_all_together() -> None:
    """The first person prefers the peak that is the second's only one, and has another: each should get one."""
    boxes = np.array([(100, 200, 200, 400), (150, 200, 250, 400)], float)
    peaks = [peaks_of([(155, 300, 0.9), (140, 300, 0.9)])]
    prn = place_prn([(0.55, 0.5)])
    alone = PRNGrouper(prn)(peaks, [boxes[:1]])[0]
    assert alone[0, 0, 0] == 155, 'the first person alone should take the peak in the middle'
    [people] = PRNGrouper(prn, floor=1e-4)(peaks, [boxes])
    np.testing.assert_array_equal(people[:, 0, 0], [140, 155])


def test_who_comes_first_does_not_matter() -> None:
    boxes = np.array([(100, 200, 200, 400), (150, 200, 250, 400), (120, 180, 210, 390)], float)
    peaks = [peaks_of([(155, 300, 0.9), (140, 300, 0.8), (170, 290, 0.5)], [(110, 350, 0.7), (160, 360, 0.7)])]
    grouper = PRNGrouper(place_prn([(0.5, 0.5), (0.2, 0.8)]))
    [people] = grouper(peaks, [boxes])
    [reversed_people] = grouper(peaks, [boxes[::-1]])
    np.testing.assert_allclose(people, reversed_people[::-1], rtol=1e-6)


def test_a_weak_second_box_takes_no_keypoint_from_the_good_one() -> None:
    """The peak lies at the middle of the weak box, its keypoint's likeliest place, and off the middle of the good
    one."""
    good, weak = np.array([100.0, 200, 200, 400, 0.9]), np.array([116.0, 200, 216, 400, 0.2])
    peaks, grouper = peaks_of([(165.5, 299.5, 0.8)]), PRNGrouper(place_prn([(0.5, 0.5)]))
    [[first, second]] = grouper([peaks], [np.stack([good, weak])])
    assert np.isfinite(first[0, 0]) and np.isnan(second[0, 0])
    equal = np.stack([good, np.append(weak[:4], 0.9)])
    [[first, second]] = grouper([peaks], [equal])
    assert np.isnan(first[0, 0]) and np.isfinite(second[0, 0])


def test_answers_are_those_of_the_dense_network_and_one_assignment_a_keypoint() -> None:
    """The plain way: each person's whole crop through the network, then each keypoint of an image assigned over all."""
    config = PRNConfig(height=9, width=6, nodes=7, residual=3, blur=0.7, box_margin=0.1)
    torch.manual_seed(0)
    prn = PoseResidualNetwork(config, keypoints=3).eval()
    for parameter in prn.parameters():
        parameter.data.normal_(0, 0.5)
    grouper, random = PRNGrouper(prn, peak_threshold=0.2, floor=0.05), np.random.default_rng(0)
    images = []
    for rows, people in ((8, 5), (3, 2), (6, 4)):
        corner = random.uniform(0, 50, (people, 2))
        images.append(
            (
                random.uniform(0, 1, (3, rows, 3)) * (100, 100, 1),
                np.c_[corner, corner + random.uniform(30, 60, (people, 2)), random.uniform(0.3, 1, people)],
            )
        )
    found = grouper([peaks for peaks, _ in images], [boxes for _, boxes in images])
    for (peaks, boxes), people in zip(images, found):
        likely = np.stack([likelihood(prn, peaks, box, 0.2) for box in boxes])
        for keypoint in range(3):
            gain = np.log(np.maximum(likely[:, keypoint], 1e-9) / 0.05) * boxes[:, 4:] ** 4
            expected = np.full((len(boxes), 3), (np.nan, np.nan, 0))
            for person, peak in zip(*linear_sum_assignment(gain.clip(0), maximize=True)):
                if gain[person, peak] > 0:
                    x, y, score = peaks[keypoint, peak]
                    expected[person] = x, y, score * likely[person, keypoint, peak]
            np.testing.assert_allclose(people[:, keypoint], expected, rtol=1e-4)
    assert np.isfinite(np.concatenate(found)[..., 0]).mean() > 0.5, 'too few joints to compare'


def likelihood(prn: PoseResidualNetwork, peaks: np.ndarray, box: np.ndarray, threshold: float) -> np.ndarray:
    """``(K, N)``: how likely each peak is this person's keypoint, by ``PoseResidualNetwork.forward``."""
    corner, size = box[:2], box[2:4] - box[:2]
    xy = (peaks[..., :2] + 0.5 - corner + 0.1 * size) / (1.2 * size)
    inside = (xy >= 0).all(-1) & (xy < 1).all(-1) & (peaks[..., 2] >= threshold)
    candidates = torch.from_numpy(np.concatenate([xy, (peaks[..., 2] * inside)[..., None]], -1)).float()
    with torch.inference_mode():
        output = prn(prn.rasterise(candidates[None]))[0].numpy()
    cell = (xy.clip(0, 0.999) * (prn.config.width, prn.config.height)).astype(int)
    logits = np.where(inside, output[cell[..., 1], cell[..., 0], np.arange(len(peaks))[:, None]], -np.inf)
    return np.exp(logits) / (1 + np.exp(logits).sum(1, keepdims=True))
