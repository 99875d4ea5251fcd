"""What the pipeline answers: people and a mask, in the pixels of the image that was given."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mpn_ros.skeleton import COCO, SkeletonLayout


@dataclass(frozen=True)
class Person:
    """One person.

    box: ``(4,)`` float32, x0, y0, x1, y1 in pixels of the image, clipped to it.
    score: 0..1, how sure the detector is that this is a person.
    keypoints: ``(K, 3)`` float32, x, y in pixels and score 0..1; ``(nan, nan, 0)`` for a keypoint that is not visible.
    id: the same number for the same person from image to image, see ``mpn_ros.tracking``; None if nobody follows.
    """

    box: np.ndarray
    score: float
    keypoints: np.ndarray
    id: int | None = None

    @property
    def visible(self) -> np.ndarray:
        """``(K,)`` bool: which keypoints have a position."""
        return np.isfinite(self.keypoints[:, 0])


@dataclass(frozen=True)
class PoseResult:
    """``people``, best score first; ``mask`` ``(H, W)`` uint8, 255 on people, 0 elsewhere, or None where the network
    does not segment; ``image_size`` (width, height), by default that of the mask.

    whole: whether the whole image was looked at, and not only windows around the people who were expected.
    windows: how many windows of the image the second look has seen; broken_windows: how many more had no finite answer.
    refine_seconds: what the second look took, that at the other images of its batch included.
    layout: what the keypoints of the people are.
    """

    people: tuple[Person, ...]
    mask: np.ndarray | None
    image_size: tuple[int, int] = (0, 0)
    whole: bool = True
    windows: int = 0
    broken_windows: int = 0
    refine_seconds: float = 0.0
    layout: SkeletonLayout = COCO

    def __post_init__(self) -> None:
        if self.mask is not None and self.image_size == (0, 0):
            object.__setattr__(self, 'image_size', self.mask.shape[::-1])

    @property
    def keypoints(self) -> np.ndarray:
        """``(P, K, 3)``: the keypoints of all people."""
        if not self.people:
            return np.empty((0, len(self.layout), 3), np.float32)
        return np.array([person.keypoints for person in self.people])

    @cached_property
    def instance_mask(self) -> np.ndarray | None:
        """``(H, W)`` uint8, n on the pixels of the n-th of ``people`` and 0 elsewhere; None where there is no mask. It
        is made when it is asked for (``mpn_ros.instances``)."""
        from mpn_ros.instances import instance_mask  # with OpenCV, which who only speaks of people need not load

        return None if self.mask is None else instance_mask(self.mask, self.people, self.layout)
