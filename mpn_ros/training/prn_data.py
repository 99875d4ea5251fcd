"""What the Pose Residual Network learns from: labelled people, seen as detectors would see them.

A sample is a person's box, jittered as a detector's, and every peak in it: those of the person, of the neighbours, and
of nobody.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter

from mpn_ros.pipeline.crops import compact, expand, to_crop_coordinates
from mpn_ros.presets import PRNConfig
from mpn_ros.skeleton import COCO
from mpn_ros.training.prn_labels import LabelledPeople
from mpn_ros.training.prn_noise import DetectorNoise, detected, false_positives, jitter, left_right_swaps


class Samples(NamedTuple):
    """``candidates`` ``(B, K, N, 3)`` float32 as ``PoseResidualNetwork.candidate_logits`` takes them;
    ``own`` ``(B, K)`` bool: whether the first of the N is the person's. If not, none is."""

    candidates: np.ndarray
    own: np.ndarray


class CropSampler:
    """Makes samples of labelled people, a batch at a time. ``box_margin`` as in PRNConfig; ``flip`` mirrors half of the
    samples."""

    def __init__(self, people: LabelledPeople, box_margin: float, noise: DetectorNoise, flip: bool = True) -> None:
        self.people, self.box_margin, self.noise, self.flip = people, box_margin, noise, flip
        self._neighbours = people.neighbours()

    def __call__(self, rows: np.ndarray, random: np.random.Generator) -> Samples:
        """Samples of the persons ``rows`` ``(B,)``."""
        who = self._neighbours[rows]
        who = who[:, : (who >= 0).sum(1).max()]
        crops = expand(jitter(self.people.box[rows], self.noise, random), self.box_margin)
        points = self._in_crop(self._peaks(who, random), crops)
        everything = np.concatenate(
            [
                points,
                left_right_swaps(points, self.noise, random),
                self._stranger(len(rows), random),
                false_positives(points, self.noise, random),
            ],
            2,
        )
        if self.flip:
            mirrored = random.random(len(rows)) < 0.5
            everything[mirrored] = everything[mirrored][:, list(COCO.flip)]
            everything[mirrored, ..., 0] = 1 - everything[mirrored, ..., 0]
        # The person is the first of its neighbours, so that its peaks stay first, where they are used at all.
        own = everything[:, :, 0, 2] > 0
        return Samples(compact(everything), own)

    def _peaks(self, who: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """``(B, Q, K, 3)`` peaks in pixels of the persons ``who`` ``(B, Q)``; -1 is nobody."""
        return detected(self.people[who], self.noise, random) * (who >= 0)[..., None, None]

    def _in_crop(self, points: np.ndarray, crops: np.ndarray) -> np.ndarray:
        return to_crop_coordinates(points.swapaxes(1, 2), crops)

    def _stranger(self, count: int, random: np.random.Generator) -> np.ndarray:
        """``(B, K, 1, 3)``: in some crops somebody of another image, about as large and anywhere near the middle."""
        other = self.people[random.integers(len(self.people), size=count)]
        points = self._in_crop(detected(other, self.noise, random)[:, None], other.box)
        scale, shift = random.uniform(0.5, 1.3, (count, 1, 1, 1)), random.normal(0, 0.35, (count, 1, 1, 2))
        points[..., :2] = (points[..., :2] - 0.5) * scale + 0.5 + shift
        inside = ((points[..., :2] >= 0) & (points[..., :2] < 1)).all(-1)
        points[..., 2] *= inside & (random.random((count, 1, 1)) < self.noise.stranger)
        return points


def ucr_prior(people: LabelledPeople, config: PRNConfig, noise: DetectorNoise, seed: int = 0) -> np.ndarray:
    """The prior of Eq. 2: ``(H, W, K)`` float32, where in their boxes people have their keypoints, 1 at the most likely
    cell of each."""
    sampler = CropSampler(people, config.box_margin, noise)
    random = np.random.default_rng(seed)
    count = np.zeros((config.height, config.width, len(COCO)), np.float32)
    for rows in np.array_split(np.arange(len(people)), len(people) // 4096 + 1):
        samples = sampler(rows, random)
        first = samples.candidates[:, :, 0][samples.own]
        keypoint = np.nonzero(samples.own)[1]
        cell = (first[:, :2] * (config.width, config.height)).astype(int).clip(0, (config.width - 1, config.height - 1))
        np.add.at(count, (cell[:, 1], cell[:, 0], keypoint), 1)
    smooth = gaussian_filter(count, (1, 1, 0))
    return smooth / smooth.max((0, 1)).clip(1e-9)
