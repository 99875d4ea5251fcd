"""What the Pose Residual Network learns from: labelled people without images, seen as a keypoint detector would see them.

A sample is a person's box, jittered as a detector's, and every peak in it: those of the person, of the neighbours, and of nobody.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter

from mpn_ros.errors import DatasetError
from mpn_ros.pipeline.crops import compact, expand, into_crop
from mpn_ros.presets import PRNConfig
from mpn_ros.skeleton import COCO

AREA_OF_BOX = .523
"""A person's area as a part of its box, where no mask says more; the mean over COCO."""


@dataclass(frozen=True)
class LabelledPeople:
    """People of a dataset, in pixels of their images. P persons, K keypoints.

    image_id: ``(P,)`` int64, ascending. image_size: ``(P, 2)`` width and height.
    box: ``(P, 4)`` x0, y0, x1, y1. keypoints: ``(P, K, 3)`` x, y and COCO's visibility: 0 unlabelled, 1 hidden, 2 seen.
    """

    image_id: np.ndarray
    image_size: np.ndarray
    box: np.ndarray
    keypoints: np.ndarray

    def __len__(self) -> int:
        return len(self.image_id)

    def __getitem__(self, index: np.ndarray) -> LabelledPeople:
        return LabelledPeople(self.image_id[index], self.image_size[index], self.box[index], self.keypoints[index])

    def groups(self) -> list[np.ndarray]:
        """For each image the rows of its people."""
        return np.split(np.arange(len(self)), np.flatnonzero(np.diff(self.image_id)) + 1)

    def neighbours(self) -> np.ndarray:
        """``(P, Q)`` int32: for each person the rows of all people of the image, the person first, then -1."""
        groups = self.groups()
        table = np.full((len(self), max(map(len, groups))), -1, np.int32)
        for rows in groups:
            for turn, row in enumerate(rows):
                table[row, :len(rows)] = np.roll(rows, -turn)
        return table


_COMMON_SIZE = (640, 480)


def load_people(path: Path) -> LabelledPeople:
    """Reads a COCO person_keypoints JSON, or an ``.npz`` with ``image_id``, ``image_size`` and, normalised to the image, ``box`` (centre
    and size) and ``xy``, and ``visibility``; an image of size 0 passes for COCO's most common one, which hardly matters to crops. People without keypoints and
    crowds are left out. Raises DatasetError."""
    try:
        people = _from_npz(path) if path.suffix == '.npz' else _from_coco(path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"'{path}' is no COCO keypoint JSON or .npz of labelled people: {error!r}") from error
    people = people[(people.keypoints[..., 2] > 0).any(1)]
    if not len(people):
        raise DatasetError(f"'{path}' holds no person with keypoints")
    return people[np.argsort(people.image_id, kind='stable')]


def _from_npz(path: Path) -> LabelledPeople:
    with np.load(path) as data:
        size = np.where(data['image_size'] > 0, data['image_size'], _COMMON_SIZE).astype(np.float32)
        box, xy = data['box'], data['xy'] * size[:, None]
        corners = np.concatenate([box[:, :2] - box[:, 2:] / 2, box[:, :2] + box[:, 2:] / 2], 1) * np.tile(size, 2)
        keypoints = np.concatenate([xy, data['visibility'][..., None]], -1)
        return LabelledPeople(data['image_id'], size, corners.astype(np.float32), keypoints.astype(np.float32))


def _from_coco(path: Path) -> LabelledPeople:
    content = json.loads(path.read_text())
    size = {image['id']: (image['width'], image['height']) for image in content['images']}
    persons = [a for a in content['annotations'] if a.get('num_keypoints') and not a.get('iscrowd')]
    box = np.array([a['bbox'] for a in persons], np.float32).reshape(-1, 4)
    box[:, 2:] += box[:, :2]
    return LabelledPeople(np.array([a['image_id'] for a in persons], np.int64),
                          np.array([size[a['image_id']] for a in persons], np.float32).reshape(-1, 2), box,
                          np.array([a['keypoints'] for a in persons], np.float32).reshape(len(persons), -1, 3))


@dataclass(frozen=True)
class DetectorNoise:
    """How a keypoint and a person detector err. The defaults are what a small network's peaks above 0.1 did on images of COCO.

    box: standard deviation of each edge of the box, in fractions of its size.
    position: standard deviation of a peak, in units of the joint's OKS sigma times the root of the person's area.
    miss, miss_hidden: how often a seen and a hidden joint has no peak.
    mirror: how often a joint also fires on its left or right counterpart.
    clutter: the mean number of weak peaks for each joint of a crop that are no such joint, half of them on other joints.
    stranger: how often an unlabelled person's peaks are in the crop.
    scores: spread of the peaks' scores, 0 for 1 everywhere.
    """

    box: float = .05
    position: float = .7
    miss: float = .12
    miss_hidden: float = .32
    mirror: float = .12
    clutter: float = 1.
    stranger: float = .15
    scores: float = .2

    def peak_scores(self, visibility: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Scores 0.1..1 of peaks on joints, lower on hidden ones (visibility 1), and 0 where the joint has no peak."""
        if self.scores == 0:
            score = np.ones(visibility.shape)
        else:
            score = random.normal(np.where(visibility == 2, .6, .4), self.scores).clip(.1, 1)
        missed = random.random(visibility.shape) < np.where(visibility == 2, self.miss, self.miss_hidden)
        return np.where((visibility > 0) & ~missed, score, 0)


EXACT = DetectorNoise(box=0, position=0, miss=0, miss_hidden=0, mirror=0, clutter=0, stranger=0, scores=0)
"""True boxes and keypoints, as in the paper's Table 3."""


class Samples(NamedTuple):
    """``candidates`` ``(B, K, N, 3)`` float32 as ``PoseResidualNetwork.candidate_logits`` takes them; ``own`` ``(B, K)`` bool: whether the first of the
    N is the person's. If not, none is."""

    candidates: np.ndarray
    own: np.ndarray


class CropSampler:
    """Makes samples of labelled people, a batch at a time. ``box_margin`` as in PRNConfig; ``flip`` mirrors half of the samples."""

    def __init__(self, people: LabelledPeople, box_margin: float, noise: DetectorNoise, flip: bool = True) -> None:
        self.people, self.box_margin, self.noise, self.flip = people, box_margin, noise, flip
        self._neighbours = people.neighbours()

    def __call__(self, rows: np.ndarray, random: np.random.Generator) -> Samples:
        """Samples of the persons ``rows`` ``(B,)``."""
        who = self._neighbours[rows]
        who = who[:, :(who >= 0).sum(1).max()]
        crops = expand(jitter(self.people.box[rows], self.noise, random), self.box_margin)
        points = self._in_crop(self._peaks(who, random), crops)
        parts = [points, twins(points, self.noise, random), self._stranger(len(rows), random), clutter(points, self.noise, random)]
        everything = np.concatenate(parts, 2)
        if self.flip:
            mirrored = random.random(len(rows)) < .5
            everything[mirrored] = everything[mirrored][:, list(COCO.flip)]
            everything[mirrored, ..., 0] = 1 - everything[mirrored, ..., 0]
        # The person is the first of its neighbours, so that its peaks stay first, where they are used at all.
        own = everything[:, :, 0, 2] > 0
        return Samples(compact(everything)[0], own)

    def _peaks(self, who: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """``(B, Q, K, 3)`` peaks in pixels of the persons ``who`` ``(B, Q)``; -1 is nobody."""
        return detected(self.people[who], self.noise, random) * (who >= 0)[..., None, None]

    def _in_crop(self, points: np.ndarray, crops: np.ndarray) -> np.ndarray:
        return into_crop(points.swapaxes(1, 2), crops)

    def _stranger(self, count: int, random: np.random.Generator) -> np.ndarray:
        """``(B, K, 1, 3)``: in some crops somebody of another image, about as large and anywhere near the middle."""
        other = self.people[random.integers(len(self.people), size=count)]
        points = self._in_crop(detected(other, self.noise, random)[:, None], other.box)
        scale, shift = random.uniform(.5, 1.3, (count, 1, 1, 1)), random.normal(0, .35, (count, 1, 1, 2))
        points[..., :2] = (points[..., :2] - .5) * scale + .5 + shift
        present = (random.random((count, 1, 1)) < self.noise.stranger) & ((points[..., :2] >= 0) & (points[..., :2] < 1)).all(-1)
        points[..., 2] *= present
        return points


def jitter(boxes: np.ndarray, noise: DetectorNoise, random: np.random.Generator) -> np.ndarray:
    """``boxes`` ``(..., 4)`` as a detector would find them."""
    size = np.tile(boxes[..., 2:] - boxes[..., :2], 2)
    return boxes + random.normal(0, 1, boxes.shape) * noise.box * size


def detected(people: LabelledPeople, noise: DetectorNoise, random: np.random.Generator) -> np.ndarray:
    """``(..., K, 3)``: the peak that a detector finds for each joint, x, y in pixels and score, 0 for none."""
    area = np.prod(people.box[..., 2:] - people.box[..., :2], -1) * AREA_OF_BOX
    spread = noise.position * np.asarray(COCO.sigmas) * np.sqrt(area)[..., None]
    xy = people.keypoints[..., :2] + random.normal(0, 1, people.keypoints[..., :2].shape) * spread[..., None]
    return np.concatenate([xy, noise.peak_scores(people.keypoints[..., 2], random)[..., None]], -1)


def twins(points: np.ndarray, noise: DetectorNoise, random: np.random.Generator) -> np.ndarray:
    """Peaks ``(B, K, Q, 3)`` of a joint where its left or right counterpart of ``points`` is, weaker."""
    flip = np.asarray(COCO.flip)
    peaks = points[:, flip].copy()
    fires = (random.random(peaks.shape[:3]) < noise.mirror) & (flip != np.arange(len(flip)))[:, None]
    peaks[..., 2] *= fires * random.uniform(.2, 1, peaks.shape[:3])
    return peaks


def clutter(points: np.ndarray, noise: DetectorNoise, random: np.random.Generator) -> np.ndarray:
    """Weak peaks ``(B, K, S, 3)`` in crops: some on any joint of ``points`` ``(B, K, Q, 3)``, some anywhere."""
    people, joints, slots = len(points), points.shape[1], 4
    others = points.reshape(people, -1, 3)
    others = others[np.arange(people)[:, None, None], random.integers(others.shape[1], size=(people, joints, slots))]
    on_joint = (random.random((people, joints, slots)) < .5) & (others[..., 2] > 0)
    near = (others[..., :2] + random.normal(0, .04, others[..., :2].shape)).clip(0, .999)
    xy = np.where(on_joint[..., None], near, random.random(near.shape))
    fires = random.random((people, joints, slots)) < noise.clutter / slots
    score = fires * (.1 + random.exponential(.08, fires.shape)).clip(0, 1)
    return np.concatenate([xy, score[..., None]], -1).astype(np.float32)


def ucr_prior(people: LabelledPeople, config: PRNConfig, noise: DetectorNoise, seed: int = 0) -> np.ndarray:
    """The prior of Eq. 2: ``(H, W, K)`` float32, where in their boxes people have their joints, 1 at the most likely cell of each."""
    sampler = CropSampler(people, config.box_margin, noise)
    random = np.random.default_rng(seed)
    count = np.zeros((config.height, config.width, len(COCO)), np.float32)
    for rows in np.array_split(np.arange(len(people)), len(people) // 4096 + 1):
        samples = sampler(rows, random)
        first = samples.candidates[:, :, 0][samples.own]
        joint = np.nonzero(samples.own)[1]
        cell = (first[:, :2] * (config.width, config.height)).astype(int).clip(0, (config.width - 1, config.height - 1))
        np.add.at(count, (cell[:, 1], cell[:, 0], joint), 1)
    smooth = gaussian_filter(count, (1, 1, 0))
    return smooth / smooth.max((0, 1)).clip(1e-9)
