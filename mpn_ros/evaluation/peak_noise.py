"""How a network's peaks really err, measured on labelled images: what its PRN should be trained on."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from mpn_ros.coco import DatasetImage, PersonDataset
from mpn_ros.pipeline.crops import expand, to_crop_coordinates
from mpn_ros.pipeline.looks import Plan, look_at_windows
from mpn_ros.pipeline.pipeline import PosePipeline
from mpn_ros.pipeline.windows import MOST_WINDOWS, plan_windows
from mpn_ros.skeleton import COCO
from mpn_ros.training.prn_noise import DetectorNoise

_NEAR = 3.0  # of a keypoint's OKS sigmas: within it a peak is that keypoint's
_ON = 1.5  # and within this it is on it


class Sighting(NamedTuple):
    """What is seen of an image or of a window of it, in the image's pixels: ``peaks`` ``(K, N, 3)``; ``people``, the
    annotations of those whom it is about, and ``everybody``, those of the whole image; ``complete`` as of the image."""

    peaks: np.ndarray
    people: Sequence[dict[str, Any]]
    everybody: Sequence[dict[str, Any]]
    complete: bool


def sightings(pipeline: PosePipeline, dataset: PersonDataset) -> Iterator[Sighting]:
    """The first look at each image that has people with keypoints, and windows around them. Raises DatasetError."""
    for image in dataset.images:
        everybody = dataset.annotations_of(image)
        people = [person for person in everybody if person['num_keypoints'] and not person['iscrowd']]
        if not people:
            continue
        pixels = image.read()
        peaks, _ = pipeline.detect_raw(pixels, 'bgr')
        yield Sighting(peaks, people, everybody, image.complete)
        for peaks, rows in _in_windows(pipeline, image, pixels, people):
            yield Sighting(peaks, [people[row] for row in rows], everybody, image.complete)


def _in_windows(
    pipeline: PosePipeline, image: DatasetImage, pixels: np.ndarray, people: Sequence[dict[str, Any]]
) -> Iterator[tuple[np.ndarray, Sequence[int]]]:
    """Peaks of each window, and the rows of its people."""
    boxes = np.array([[*person['bbox'], 1] for person in people], float)
    boxes[:, 2:4] += boxes[:, :2]
    settings = dataclasses.replace(pipeline.windows, right=(0, 0))  # everybody has a window
    windows = plan_windows((image.width, image.height), boxes, 1, MOST_WINDOWS, settings)
    plans = [Plan(0, window, boxes[list(window.people)]) for window in windows]
    for look in look_at_windows(plans, lambda some: pipeline.see([pixels], ['bgr'], some)):
        yield np.concatenate([look.view.points_to_image(look.peaks[..., :2]), look.peaks[..., 2:]], -1), look.people


def measured_noise(seen: Iterable[Sighting], bound: float, margin: float) -> DetectorNoise:
    """The noise of peaks from ``bound`` on; boxes and strangers keep their defaults. ``margin`` is that of the crops
    (``PRNConfig.box_margin``). Clutter is told from unlabelled people in complete images alone.

    A keypoint's peak is the nearest one within three of its OKS sigmas.
    """
    errors: list[np.ndarray] = []
    scores: dict[int, list[np.ndarray]] = {1: [], 2: []}
    missed: dict[int, list[np.ndarray]] = {1: [], 2: []}
    left_right_swaps: list[np.ndarray] = []
    strays: list[float] = []
    for sighting in seen:
        peaks = sighting.peaks.astype(float)
        used = peaks[..., 2] >= bound
        for person in sighting.people:
            keypoints, reach = _keypoints(person)
            offsets = np.where(used[..., None], peaks[..., :2] - keypoints[:, None, :2], np.inf) / reach[:, None, None]
            distance = np.hypot(offsets[..., 0], offsets[..., 1])
            nearest = distance.argmin(1)
            found = distance.min(1) <= _NEAR
            for visibility in (1, 2):
                labelled = keypoints[:, 2] == visibility
                missed[visibility].append(~found[labelled])
                rows = np.flatnonzero(labelled & found)
                scores[visibility].append(peaks[rows, nearest[rows], 2])
            rows = np.flatnonzero(found & (keypoints[:, 2] > 0))
            errors.append(offsets[rows, nearest[rows]])
            left_right_swaps.append(_left_right_swaps(peaks, used, keypoints, reach)[rows])
            if sighting.complete:
                strays.append(_strays(peaks, used, person, sighting.everybody, margin))
    default = DetectorNoise()
    if not sum(map(len, errors)):
        return dataclasses.replace(default, lowest=bound)
    seen_scores, hidden_scores = (np.concatenate(scores[visibility]) for visibility in (2, 1))
    spread = [values.std() for values in (seen_scores, hidden_scores) if len(values)]
    return dataclasses.replace(
        default,
        lowest=bound,
        position=float(np.sqrt((np.concatenate(errors) ** 2).mean())),
        miss=_mean(np.concatenate(missed[2]), default.miss),
        miss_hidden=_mean(np.concatenate(missed[1]), default.miss_hidden),
        seen=_mean(seen_scores, default.seen),
        hidden=_mean(hidden_scores, default.hidden),
        scores=float(np.mean(spread)),
        mirror=_mean(np.concatenate(left_right_swaps), default.mirror),
        clutter=_mean(np.array(strays), default.clutter),
    )


def _mean(values: np.ndarray, default: float) -> float:
    return float(values.mean()) if len(values) else default


def _keypoints(person: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """The keypoints ``(K, 3)`` of a person, and the OKS sigma of each in pixels ``(K,)``."""
    keypoints = np.array(person['keypoints'], float).reshape(-1, 3)
    return keypoints, np.asarray(COCO.sigmas) * np.sqrt(person['area'])


def _left_right_swaps(peaks: np.ndarray, used: np.ndarray, keypoints: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """``(K,)`` bool: whether the left or right counterpart of a keypoint has a peak on it that is not its own."""
    flip = np.asarray(COCO.flip)
    other = peaks[flip]
    on = np.hypot(*np.moveaxis(other[..., :2] - keypoints[:, None, :2], -1, 0)) <= _ON * reach[:, None]
    own = np.hypot(*np.moveaxis(other[..., :2] - keypoints[flip][:, None, :2], -1, 0)) <= _NEAR * reach[flip][:, None]
    own &= (keypoints[flip][:, 2] > 0)[:, None]
    return (on & used[flip] & ~own).any(1) & (flip != np.arange(len(flip)))


def _strays(
    peaks: np.ndarray, used: np.ndarray, person: dict[str, Any], everybody: Sequence[dict[str, Any]], margin: float
) -> float:
    """How many peaks for each keypoint of a person's crop are nobody's, on neither their keypoint nor its
    counterpart."""
    x, y, width, height = person['bbox']
    crop = expand(np.array([[x, y, x + width, y + height]], float), margin)
    stray = used & (to_crop_coordinates(peaks[None], crop)[0, ..., 2] > 0)
    flip = np.asarray(COCO.flip)
    for someone in everybody:
        keypoints, reach = _keypoints(someone)
        for place, size in ((keypoints, reach), (keypoints[flip], reach[flip])):
            near = np.hypot(*np.moveaxis(peaks[..., :2] - place[:, None, :2], -1, 0)) <= _NEAR * size[:, None]
            stray &= ~(near & (place[:, 2] > 0)[:, None])
    return float(stray.sum(1).mean())
