"""What the pipeline answers: people and a mask, in the pixels of the image that was given."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from mpn_ros.skeleton import COCO, SkeletonLayout

if TYPE_CHECKING:
    import supervision


@dataclass(frozen=True)
class Person:
    """One person.

    Attributes:
        box: ``(4,)`` float32, x0, y0, x1, y1 in pixels of the image, clipped to it.
        score: 0..1, how sure the detector is that this is a person.
        keypoints: ``(K, 3)`` float32, x, y in pixels and score 0..1; ``(nan, nan, 0)`` for one that is not visible.
        id: the same number for the same person from image to image, by a ``Tracker``; None without one.

    Examples:
        >>> keypoints = np.array([[15, 12, 0.9], [np.nan, np.nan, 0]], np.float32)
        >>> Person(np.array([10, 10, 50, 90], np.float32), 0.8, keypoints).visible
        array([ True, False])
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
    """The people of an image, one by one in ``people`` or all at once as arrays.

    Attributes:
        people: best score first.
        mask: ``(H, W)`` uint8, 255 on people, 0 elsewhere; None where the network does not segment.
        image_size: width and height in pixels; by default those of the mask.
        whole: whether the whole image was looked at, and not only windows around the people who were expected.
        windows: how many windows of the image the second look has seen.
        broken_windows: how many more had no finite answer.
        refine_seconds: what the second look took, that at the other images of its batch included.
        layout: what the keypoints of the people are.

    Examples:
        >>> person = Person(np.array([10, 10, 50, 90], np.float32), 0.8, np.ones((17, 3), np.float32))
        >>> result = PoseResult((person,), None, (640, 480))
        >>> result.boxes.shape, result.scores, result.keypoints.shape, result.ids
        ((1, 4), array([0.8], dtype=float32), (1, 17, 3), None)
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
    def boxes(self) -> np.ndarray:
        """``(P, 4)`` float32: x0, y0, x1, y1 of all people, in pixels."""
        return np.array([person.box for person in self.people], np.float32).reshape(-1, 4)

    @property
    def scores(self) -> np.ndarray:
        """``(P,)`` float32: 0..1, best first."""
        return np.array([person.score for person in self.people], np.float32)

    @property
    def keypoints(self) -> np.ndarray:
        """``(P, K, 3)``: the keypoints of all people."""
        if not self.people:
            return np.empty((0, len(self.layout), 3), np.float32)
        return np.array([person.keypoints for person in self.people])

    @property
    def ids(self) -> np.ndarray | None:
        """``(P,)`` int64: the ids of all people, -1 for one who has none yet; None where nobody has one."""
        if all(person.id is None for person in self.people):
            return None
        return np.array([-1 if person.id is None else person.id for person in self.people], np.int64)

    @cached_property
    def instance_mask(self) -> np.ndarray | None:
        """``(H, W)`` uint8, n on the pixels of the n-th of ``people`` and 0 elsewhere; None where there is no mask. It
        is made when it is asked for (``mpn_ros.instances``)."""
        from mpn_ros.instances import instance_mask  # with OpenCV, which who only speaks of people need not load

        return None if self.mask is None else instance_mask(self.mask, self.people, self.layout)

    def to_supervision(self) -> tuple[supervision.KeyPoints, supervision.Detections]:
        """The people for the annotators, filters and metrics of the package ``supervision`` (0.29 or newer).

        Returns:
            Key points, at (0, 0) with confidence 0 where they are not visible, and boxes, in the order of ``people``.
            The class is 0, 'person'; ``tracker_id`` has the ids, and ``mask`` ``(P, H, W)`` each person's own pixels.

        Raises:
            ImportError: supervision is not installed.

        Examples:
            ``key_points, detections = pipeline(image).to_supervision()``, and then
            ``supervision.EdgeAnnotator().annotate(image, key_points)``.
        """
        import supervision

        found, people = self.keypoints.astype(np.float32), len(self.people)
        key_points = supervision.KeyPoints(
            xy=np.nan_to_num(found[..., :2]),
            keypoint_confidence=found[..., 2],
            class_id=np.zeros(people, np.int64),
            data={'class_name': np.array(['person'] * people)},
        )
        numbers = np.arange(1, people + 1)[:, None, None]
        detections = supervision.Detections(
            xyxy=self.boxes,
            mask=None if self.instance_mask is None else self.instance_mask == numbers,
            confidence=self.scores,
            class_id=np.zeros(people, np.int64),
            tracker_id=self.ids,
            data={'class_name': np.array(['person'] * people)},
        )
        return key_points, detections
