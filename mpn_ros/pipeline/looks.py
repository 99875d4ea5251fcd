"""Looks: what the network sees of an image as a whole, and again in windows around its people."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from mpn_ros.boxes import box_iou
from mpn_ros.pipeline.letterbox import Letterbox
from mpn_ros.pipeline.windows import Window
from mpn_ros.raw_detections import RawDetections

SAME_PERSON = 0.5
"""The overlap (IoU) from which a box in a window is that of the person whom the window is for."""
_FAINTEST = 0.05  # boxes of a window with lower scores are not taken


View = TypeVar('View', Letterbox, Window)


@dataclass(frozen=True)
class Look(Generic[View]):
    """One view of an image, and what the network sees in it, in the pixels of its input.

    image: which image of the batch it is of. view: how the image lies in the input. people: the rows, among all people
    of the image, of those whose keypoints are taken from this look. boxes: ``(P, 5)`` x0, y0, x1, y1, score of these
    people. found: ``(P,)`` the score of each by this look's own detector, 0 where it sees nobody. peaks: ``(K, N, 3)``
    x, y, score. person: ``(h, w)`` probability that a pixel is a person's. whole: False for people who are expected in
    an image that was not looked at as a whole.
    """

    image: int
    view: View
    people: Sequence[int]
    boxes: np.ndarray
    found: np.ndarray
    peaks: np.ndarray
    person: np.ndarray
    whole: bool = True

    @property
    def boxes_in_image(self) -> np.ndarray:
        """The boxes ``(P, 5)`` in the image's pixels."""
        return np.concatenate([self.view.boxes_to_image(self.boxes[:, :4]), self.boxes[:, 4:]], -1)


@dataclass(frozen=True)
class Plan:
    """A window of image number ``image`` of a batch, with the boxes ``(P, 5)`` of its people in the image's pixels."""

    image: int
    window: Window
    boxes: np.ndarray


@dataclass(frozen=True)
class Refinement:
    """The second look at a batch: its windows, the looks of those whose answer was finite, and the seconds that all of
    it took."""

    plans: Sequence[Plan]
    looks: Sequence[Look[Window]]
    seconds: float


def look_at_windows(plans: Sequence[Plan], see: Callable[[Sequence[Plan]], RawDetections]) -> list[Look[Window]]:
    """What ``see`` finds in windows, those of one size at once, without those whose answer is not finite.

    A person's box is the one that the detector finds for them in the window; where it finds none, that of the plan.
    """
    looks = []
    by_size = sorted(plans, key=lambda plan: plan.window.input_size)
    for _, group in itertools.groupby(by_size, key=lambda plan: plan.window.input_size):
        alike = list(group)
        for plan, peaks, boxes, person in zip(alike, *see(alike), strict=True):
            if all(np.isfinite(part).all() for part in (peaks, boxes, person)):
                known = np.column_stack([plan.window.boxes_to_input(plan.boxes[:, :4]), plan.boxes[:, 4]])
                refined, scores = _refined(known.astype(np.float32), boxes)
                people = np.array(plan.window.people)
                if boxes.shape[1] > 5:  # keypoints come with boxes: who is not found again keeps the first ones
                    people, refined, scores = (part[scores > 0] for part in (people, refined, scores))
                looks.append(Look(plan.image, plan.window, people.tolist(), refined, scores, peaks, person))
    return looks


def merge(
    first: Look[Letterbox], keypoints: np.ndarray, windows: Sequence[tuple[Look[Window], np.ndarray]]
) -> tuple[np.ndarray, np.ndarray]:
    """The people of both looks at an image, in its pixels: boxes ``(P, 5)`` and keypoints ``(P, K, 3)``.

    keypoints: ``(P, K, 3)`` in the pixels of the first look. windows: looks and their keypoints, in the pixels of each.
    A window's people are as seen there.
    """
    boxes, poses = first.boxes_in_image, _points_in_image(first, keypoints)
    for look, found in windows:
        rows = list(look.people)
        boxes[rows, :4], poses[rows] = look.boxes_in_image[:, :4], _points_in_image(look, found)
    return boxes, poses


def gather(
    expected: Look[Letterbox], windows: Sequence[tuple[Look[Window], np.ndarray]]
) -> tuple[np.ndarray, np.ndarray]:
    """The people whom windows alone tell of, as ``merge`` returns them: those of ``expected`` whom a window's detector
    has found, best first, with its score."""
    people = []
    for look, found in windows:
        boxes = np.column_stack([look.boxes_in_image[:, :4], look.found])
        people += [(box, pose) for box, pose in zip(boxes, _points_in_image(look, found)) if box[4] > 0]
    people.sort(key=lambda pair: pair[0][4], reverse=True)
    keypoints = len(expected.peaks)
    return (
        np.array([box for box, _ in people], np.float32).reshape(-1, 5),
        np.array([pose for _, pose in people], np.float32).reshape(-1, keypoints, 3),
    )


def person_probability(first: Look[Letterbox], windows: Sequence[Look[Window]]) -> np.ndarray:
    """The probability ``(H, W)`` that a pixel of an image is a person's: in a window, the mean of both looks. Of an
    image that was not looked at as a whole, it is what windows tell: the highest where they overlap, 0 elsewhere."""
    width, height = first.view.image_size
    person = first.view.map_to_image(first.person) if first.whole else np.zeros((height, width), np.float32)
    for look in windows:
        part, seen = look.view.cut(person), look.view.letterbox.map_to_image(look.person)
        if first.whole:
            part += seen
            part /= 2
        else:
            np.maximum(part, seen, out=part)
    return person


def _points_in_image(look: Look[Any], keypoints: np.ndarray) -> np.ndarray:
    moved = keypoints.copy()
    moved[..., :2] = look.view.points_to_image(keypoints[..., :2])
    return moved


def _refined(known: np.ndarray, found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``known`` boxes ``(P, 5)`` with the corners, and what comes after the score, of the most likely of ``found``
    ``(M, 5 or more)`` that is the same person's; and its scores ``(P,)``, 0 where there is none."""
    refined, scores = np.zeros((len(known), found.shape[1]), np.float32), np.zeros(len(known), np.float32)
    refined[:, :5] = known
    found = found[found[:, 4] >= _FAINTEST]
    if len(found):
        overlap = box_iou(known[:, :4], found[:, :4])
        best = (overlap * found[:, 4]).argmax(1)
        same = overlap[np.arange(len(known)), best] >= SAME_PERSON
        refined[same, :4], scores[same] = found[best[same], :4], found[best[same], 4]
        refined[same, 5:] = found[best[same], 5:]
    return refined, scores
