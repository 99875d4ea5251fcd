"""Groupers for networks that group by themselves. The boxes are those of ``backend.perceived``, which know which of the
peaks came with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np


class Grouper(Protocol):
    """The pipeline's: from peaks and boxes of each image to the keypoints of its people."""

    def __call__(self, peaks: Sequence[np.ndarray], boxes: Sequence[np.ndarray]) -> list[np.ndarray]: ...


class OwnPoses:
    """Each person's keypoints are those that came with the box."""

    def __call__(self, peaks: Sequence[np.ndarray], boxes: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See ``Grouper``."""
        return [own.transpose(1, 0, 2) for own in _of_people(peaks, boxes)]


class Regrouped:
    """Has another grouper tell whose keypoint is whose, of those that came with the boxes which stayed: the Pose
    Residual Network on other networks' keypoints (Table 4)."""

    def __init__(self, grouper: Grouper) -> None:
        self._grouper = grouper

    def __call__(self, peaks: Sequence[np.ndarray], boxes: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See ``Grouper``."""
        # A grouper wants one peak at least, if only one of score 0.
        return self._grouper([np.pad(own, ((0, 0), (0, 1), (0, 0))) for own in _of_people(peaks, boxes)], boxes)


def _of_people(peaks: Sequence[np.ndarray], boxes: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The peaks ``(K, M, 3)`` that came with the M boxes of each image; none that is seen where boxes are of people who
    are expected only, and have no sixth number."""
    return [
        of_image[:, found[:, 5].astype(int)] if found.shape[1] > 5 else np.zeros((len(of_image), len(found), 3))
        for of_image, found in zip(peaks, boxes)
    ]
