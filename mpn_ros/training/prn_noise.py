"""How detectors err, as random numbers: what a keypoint and a person detector would find of labelled people."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from mpn_ros.errors import ParameterError
from mpn_ros.skeleton import COCO
from mpn_ros.training.prn_labels import LabelledPeople

AREA_OF_BOX = 0.523
"""A person's area as a part of its box, where no mask says more: the median over COCO's people."""


_SHARES = frozenset({'miss', 'miss_hidden', 'mirror', 'stranger', 'lowest', 'seen', 'hidden'})


@dataclass(frozen=True)
class DetectorNoise:
    """How a keypoint and a person detector err. The defaults are what a small network's peaks above 0.1 did on images
    of COCO. Raises ParameterError.

    box: standard deviation of each edge of the box, in fractions of its size.
    position: standard deviation of a peak, in units of the keypoint's OKS sigma times the root of the person's area.
    miss, miss_hidden: how often a seen and a hidden keypoint has no peak.
    mirror: how often a keypoint also fires on its left or right counterpart.
    clutter: the mean number of weak peaks for each keypoint of a crop that are no such keypoint, half of them on other
    keypoints.
    stranger: how often an unlabelled person's peaks are in the crop.
    scores: spread of the peaks' scores, 0 for 1 everywhere.
    lowest: the score below which no peak is shown, ``PRNConfig.peak_threshold``.
    seen, hidden: the mean scores of peaks on seen and hidden keypoints.
    """

    box: float = 0.05
    position: float = 0.7
    miss: float = 0.12
    miss_hidden: float = 0.32
    mirror: float = 0.12
    clutter: float = 1.0
    stranger: float = 0.15
    scores: float = 0.2
    lowest: float = 0.1
    seen: float = 0.6
    hidden: float = 0.4

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            most = 1 if name in _SHARES else np.inf
            if not 0 <= value <= most:
                raise ParameterError(f"noise '{name}' must be 0 to {most}, not {value}")

    def peak_scores(self, visibility: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Scores ``lowest`` to 1 of peaks on keypoints, lower on hidden ones (visibility 1), and 0 where the keypoint
        has no peak."""
        if self.scores == 0:
            score = np.ones(visibility.shape)
        else:
            score = random.normal(np.where(visibility == 2, self.seen, self.hidden), self.scores).clip(self.lowest, 1)
        missed = random.random(visibility.shape) < np.where(visibility == 2, self.miss, self.miss_hidden)
        return np.where((visibility > 0) & ~missed, score, 0)


EXACT = DetectorNoise(box=0, position=0, miss=0, miss_hidden=0, mirror=0, clutter=0, stranger=0, scores=0)
"""True boxes and keypoints, as in the paper's Table 3."""


def jitter(boxes: np.ndarray, noise: DetectorNoise, random: np.random.Generator) -> np.ndarray:
    """``boxes`` ``(..., 4)`` as a detector would find them."""
    size = np.tile(boxes[..., 2:] - boxes[..., :2], 2)
    return boxes + random.normal(0, 1, boxes.shape) * noise.box * size


def detected(people: LabelledPeople, noise: DetectorNoise, random: np.random.Generator) -> np.ndarray:
    """``(..., K, 3)``: the peak that a detector finds for each keypoint, x, y in pixels and score, 0 for none."""
    area = np.prod(people.box[..., 2:] - people.box[..., :2], -1) * AREA_OF_BOX
    spread = noise.position * np.asarray(COCO.sigmas) * np.sqrt(area)[..., None]
    xy = people.keypoints[..., :2] + random.normal(0, 1, people.keypoints[..., :2].shape) * spread[..., None]
    return np.concatenate([xy, noise.peak_scores(people.keypoints[..., 2], random)[..., None]], -1)


def left_right_swaps(points: np.ndarray, noise: DetectorNoise, random: np.random.Generator) -> np.ndarray:
    """Peaks ``(B, K, Q, 3)`` of a keypoint where its left or right counterpart of ``points`` is, weaker."""
    flip = np.asarray(COCO.flip)
    peaks = points[:, flip].copy()
    fires = (random.random(peaks.shape[:3]) < noise.mirror) & (flip != np.arange(len(flip)))[:, None]
    peaks[..., 2] *= fires * random.uniform(0.2, 1, peaks.shape[:3])
    return peaks


def false_positives(points: np.ndarray, noise: DetectorNoise, random: np.random.Generator) -> np.ndarray:
    """Weak peaks ``(B, K, S, 3)`` in crops: some on any keypoint of ``points`` ``(B, K, Q, 3)``, some anywhere."""
    people, keypoints, slots = len(points), points.shape[1], 4
    others = points.reshape(people, -1, 3)
    others = others[np.arange(people)[:, None, None], random.integers(others.shape[1], size=(people, keypoints, slots))]
    on_keypoint = (random.random((people, keypoints, slots)) < 0.5) & (others[..., 2] > 0)
    near = (others[..., :2] + random.normal(0, 0.04, others[..., :2].shape)).clip(0, 0.999)
    xy = np.where(on_keypoint[..., None], near, random.random(near.shape))
    fires = random.random((people, keypoints, slots)) < noise.clutter / slots
    score = fires * (noise.lowest + random.exponential(0.08, fires.shape)).clip(0, 1)
    return np.concatenate([xy, score[..., None]], -1).astype(np.float32)
