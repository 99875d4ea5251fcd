"""From peaks and boxes to people (sections 3.4 and 4.2): which peak is whose keypoint.

Every grouper takes the peaks and boxes of one or more images and answers for all people of all images at once. A peak
may belong to a person if it lies in the person's box with a margin around it; its position stays its own, no grid
rounds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from mpn_ros.assignment import best_assignment
from mpn_ros.pipeline.crops import expand, to_crop_coordinates
from mpn_ros.pipeline.sparse_prn import PRN, SparsePRN, assignment_probabilities

_TRUST = 4
"""The power of a box's score in a dispute over a peak."""


class Grouper(Protocol):
    """Gives each person its keypoints, in one call for the people of several images."""

    def __call__(self, peaks: Sequence[np.ndarray], boxes: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Groups.

        Args:
            peaks: for each image ``(K, N, 3)`` x, y, score 0..1, N at least 1; a score of 0 marks an unused row.
            boxes: for each image ``(M, 4 or more)`` x0, y0, x1, y1 edges, in the pixels of the peaks.

        Returns:
            For each image ``(M, K, 3)`` float32 in the same pixels: the position of the chosen peak and a score of
            0..1, how sure it is that there is such a keypoint and that it is this person's; ``(nan, nan, 0)`` where
            there is none.
        """
        ...


class MaxGrouper:
    """The paper's *Max*: the highest peak of each keypoint in the box. Its score is the peak's.

    Args:
        box_margin: the part of a box that is added on each side.

    Examples:
        >>> peaks = np.array([[[30, 40, 0.9], [200, 40, 0.8]]])  # one keypoint, two peaks
        >>> boxes = np.array([[10, 10, 60, 90], [180, 10, 230, 90]])
        >>> MaxGrouper(box_margin=0.1)([peaks], [boxes])[0][:, 0].tolist()
        [[30.0, 40.0, 0.8999999761581421], [200.0, 40.0, 0.800000011920929]]
    """

    def __init__(self, box_margin: float) -> None:
        self.box_margin = box_margin

    def __call__(self, peaks: Sequence[np.ndarray], boxes: Sequence[np.ndarray]) -> list[np.ndarray]:
        score = _crops(peaks, boxes, self.box_margin)[..., 2]
        return _people(peaks, boxes, _best(score), score)


class UCRGrouper:
    """The paper's *UCR* (Eq. 2): the peak with the highest product of score and prior.

    The keypoint's score is that product.

    Args:
        prior: ``(H, W, K)``, where in a box each keypoint is, 1 at its most likely cell:
            ``mpn_ros.training.prn_data.ucr_prior``.
        box_margin: the part of a box that is added on each side.
    """

    def __init__(self, prior: np.ndarray, box_margin: float) -> None:
        self.prior, self.box_margin = prior, box_margin

    def __call__(self, peaks: Sequence[np.ndarray], boxes: Sequence[np.ndarray]) -> list[np.ndarray]:
        crops = _crops(peaks, boxes, self.box_margin)
        height, width, keypoints = self.prior.shape
        x = (crops[..., 0] * width).astype(int).clip(0, width - 1)
        y = (crops[..., 1] * height).astype(int).clip(0, height - 1)
        score = crops[..., 2] * self.prior[y, x, np.arange(keypoints)[:, None]]
        return _people(peaks, boxes, _best(score), score)


class PRNGrouper:
    """The Pose Residual Network: one batch for the people of all images, then no peak to two of them.

    For each person and keypoint the network tells how likely each peak is the person's, or none of them. Where people
    claim the same peak, the assignment with the highest likelihood over all of them is taken.

    The keypoint's score is the peak's times its likelihood.

    Args:
        prn: the network; ``Weights.prn()`` gives one.
        peak_threshold: 0..1; peaks below it are left out, and training shows the network none (``DetectorNoise``).
            None takes that of the network's configuration, which travels with the weights.
        floor: 0..1; a peak that is less likely than this is no one's.
    """

    def __init__(self, prn: PRN, peak_threshold: float | None = None, floor: float = 0.001) -> None:
        self._prn, self._margin = SparsePRN(prn), prn.config.box_margin
        self.peak_threshold = prn.config.peak_threshold if peak_threshold is None else peak_threshold
        self.floor = floor

    def __call__(self, peaks: Sequence[np.ndarray], boxes: Sequence[np.ndarray]) -> list[np.ndarray]:
        peaks = [_filter_peaks(p, self.peak_threshold) for p in peaks]
        crops = _crops(peaks, boxes, self._margin)
        likely = assignment_probabilities(self._prn(crops))
        trust = np.concatenate([b[:, 4] if b.shape[1] > 4 else np.ones(len(b)) for b in boxes]) ** _TRUST
        gain = np.log(np.maximum(likely, 1e-9) / self.floor) * trust[:, None, None]
        return _people(peaks, boxes, _assign_one_to_one(gain, _row_slices(boxes)), crops[..., 2] * likely)


def _filter_peaks(peaks: np.ndarray, threshold: float) -> np.ndarray:
    """Peaks ``(K, N, 3)`` of which those below the threshold have a score of 0, cut to as many rows as are used then,
    at least 1."""
    strong = peaks[..., 2] >= threshold
    count = 1 + int(strong.any(0).nonzero()[0].max(initial=0))
    peaks = peaks[:, :count].copy()
    peaks[..., 2] *= strong[:, :count]
    return peaks


def _crops(peaks: Sequence[np.ndarray], boxes: Sequence[np.ndarray], margin: float) -> np.ndarray:
    """The peaks of each image in the crops of its people, P in all images: ``(P, K, N, 3)`` as of
    ``to_crop_coordinates``, N that of the image with the most peaks."""
    keypoints, width = peaks[0].shape[0], max(p.shape[1] for p in peaks)
    crops = np.zeros((sum(map(len, boxes)), keypoints, width, 3), np.float32)
    for image, p, b in zip(_row_slices(boxes), peaks, boxes, strict=True):
        crops[image, :, : p.shape[1]] = to_crop_coordinates(p[None], expand(np.asarray(b)[:, :4], margin))
    return crops


def _row_slices(boxes: Sequence[np.ndarray]) -> list[slice]:
    """For each image the rows of its people among those of all images."""
    ends = np.cumsum([len(b) for b in boxes]).tolist()
    return [slice(end - len(b), end) for end, b in zip(ends, boxes)]


def _best(value: np.ndarray) -> np.ndarray:
    """Which of the ``value`` ``(P, K, N)`` is the highest for each person and keypoint, -1 where none is above 0."""
    best = value.argmax(-1)
    return np.where(np.take_along_axis(value, best[..., None], -1)[..., 0] > 0, best, -1)


def _assign_one_to_one(gain: np.ndarray, images: Sequence[slice]) -> np.ndarray:
    """The peaks ``(P, K)`` that maximise the sum of the gains ``(P, K, N)`` with each of an image's peaks going to one
    person at most; -1 for none, which gains 0. ``images`` are the rows of each image's people."""
    choice = _best(gain)
    for image in images:
        ordered = np.sort(choice[image], axis=0)
        contested = ((ordered[1:] == ordered[:-1]) & (ordered[1:] >= 0)).any(0)
        for keypoint in np.flatnonzero(contested):
            claims = gain[image, keypoint].clip(0)
            person, peak = best_assignment(claims)
            assigned = np.full(len(claims), -1)
            assigned[person] = np.where(claims[person, peak] > 0, peak, -1)
            choice[image, keypoint] = assigned
    return choice


def _people(
    peaks: Sequence[np.ndarray], boxes: Sequence[np.ndarray], choice: np.ndarray, score: np.ndarray
) -> list[np.ndarray]:
    """The keypoints of each image's people from the chosen peaks ``(P, K)`` and the scores ``(P, K, N)``."""
    value = np.take_along_axis(score, choice.clip(0)[..., None], -1)
    answer = []
    for image, p in zip(_row_slices(boxes), peaks, strict=True):
        position = p[np.arange(len(p)), choice[image].clip(0), :2]
        keypoints = np.concatenate([position, value[image]], -1).astype(np.float32)
        keypoints[choice[image] < 0] = (np.nan, np.nan, 0)
        answer.append(keypoints)
    return answer
