"""Each person's own pixels: the mask of all people, shared out by the skeletons.

A pixel of the mask is the person's to whom it costs the least, among those whose box holds it. It costs the more, the
farther the body, the nearer the edge of the box, and the larger the person. A body is drawn from the keypoints: torso,
head, and bones as thick as limbs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from mpn_ros.skeleton import COCO, SkeletonLayout

if TYPE_CHECKING:
    from mpn_ros.result import Person

GRID = 160
"""Cells along the longer side of an image, on which distances are measured. On 147 images of training data where people
overlap, AP50 of their masks is 29.7 with 96 cells, 30.4 with 160 and 30.4 with 320."""
LIMB, HEAD = 0.05, 0.11
"""Thickness of a limb and radius of a head, as fractions of a person's size, the square root of the box's area."""
FAINT = 0.05
"""Score below which a keypoint is no part of a body: for results that keep the faintest, as an evaluation has them. The
PRN of the shipped weights is shown peaks from there on."""
MOST = 255
"""People who have numbers in a mask of 8 bits; those after them have no pixels."""
SHARE = 0.4
"""Power of a person's size by which distances from the body are divided, between pixels (0) and sizes (1). What a large
person's limbs reach beyond the bones grows with the size; the error of the bones grows less."""
EDGE = 0.7
"""Cost in the middle of a box's edge, growing with the square of the way there from the middle of the box: what is at
the edge of one box and in the middle of another is seldom the first one's."""
SIZE = 0.6
"""Cost for each time that a person is larger by e: the pixels of the small lie closer together, and are missed more.

On 105 training images where people overlap, AP50 of these people by distance alone is 33.3 with one look and 37.4 with
four windows, with ``EDGE`` 35.5 and 40.2, with both 38.3 and 40.7; the mask cut by boxes has 33.6 and 37.7."""
_FRACTION = 4
"""Bits of the fractions of a cell in which OpenCV draws."""


def instance_mask(mask: np.ndarray, people: Sequence[Person], layout: SkeletonLayout = COCO) -> np.ndarray:
    """The mask with each person's own number.

    Args:
        mask: ``(H, W)`` uint8, 255 on people and 0 elsewhere.
        people: best first.
        layout: what their keypoints are.

    Returns:
        ``(H, W)`` uint8: 0 where nobody is, n on the pixels of the n-th of ``people``.

    Examples:
        >>> from mpn_ros.result import Person
        >>> person = Person(np.array([1., 0, 3, 2], np.float32), 0.9, np.full((17, 3), np.nan, np.float32))
        >>> instance_mask(np.full((2, 4), 255, np.uint8), [person, person]).tolist()
        [[0, 1, 1, 0], [0, 1, 1, 0]]
    """
    height, width = mask.shape
    costs = pixel_costs(people[:MOST], (width, height), layout)
    if not len(costs):
        return np.zeros_like(mask)
    cheapest = cv2.resize(costs.argmin(0).astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    numbers = np.zeros_like(mask)
    for index, person in enumerate(people[:MOST]):
        part = in_box(person, mask.shape)
        np.copyto(numbers[part], index + 1, where=cheapest[part] == index)
    return numbers & mask


def in_box(person: Person, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Rows and columns, of an image of ``shape`` ``(H, W, ...)``, of the pixels whose middle the person's box holds."""
    x0, y0, x1, y1 = np.rint(person.box.clip(0, (shape[1], shape[0], shape[1], shape[0]))).astype(int).tolist()
    return slice(y0, y1), slice(x0, x1)


def pixel_costs(people: Sequence[Person], image_size: tuple[int, int], layout: SkeletonLayout = COCO) -> np.ndarray:
    """What each place of an image costs each person.

    Args:
        people: ``P`` of them.
        image_size: width and height in pixels.
        layout: what their keypoints are.

    Returns:
        ``(P, h, w)`` float32, infinite outside of each person's box, on a grid of at most ``GRID`` cells along the
        longer side.
    """
    width, height = image_size
    scale = min(1.0, GRID / max(width, height))
    columns, rows = max(1, round(width * scale)), max(1, round(height * scale))
    cells = np.array([columns / width, rows / height])
    costs = np.full((len(people), rows, columns), np.inf, np.float32)
    for person, cost in zip(people, costs):
        corners = person.box.reshape(2, 2) * cells
        first, (right, bottom) = np.floor(corners[0]).astype(int).clip(0), np.ceil(corners[1]).astype(int)
        part = cost[first[1] : bottom, first[0] : right]
        if part.size:
            size = max(1.0, float(np.sqrt((corners[1] - corners[0]).prod())))
            points = (person.keypoints[:, :2] + 0.5) * cells - 0.5 - first
            seen = person.keypoints[:, 2] >= FAINT
            body = _draw_body(part.shape, points, seen, size, layout)
            away = cv2.distanceTransform(body, cv2.DIST_L2, cv2.DIST_MASK_5) / size**SHARE
            across, down = (
                _from_middle(start, count, *ends) for start, count, ends in zip(first, part.shape[::-1], corners.T)
            )
            edge = across**2 + down[:, None] ** 2
            # Far is far: twice as far tells little more.
            part[:] = away / (1 + away) + EDGE * edge + SIZE * math.log(size)
    return costs


def _from_middle(first: int, count: int, low: float, high: float) -> np.ndarray:
    """How far ``count`` cells from the ``first`` one on are from the middle between ``low`` and ``high``: 1 at both.
    Cells whose own middle is beyond are much farther: they are for whoever has all of them."""
    away = ((np.arange(first, first + count) + 0.5) * 2 - low - high) / max(high - low, 1.0)
    return np.where(np.abs(away) > 1, 10, away).astype(np.float32)


@lru_cache
def _anatomy(layout: SkeletonLayout) -> tuple[np.ndarray, list[int], list[int]]:
    """Lines ``(L, 2)``: the bones, and each keypoint for itself; the keypoints around the torso, none where the layout
    lacks one; and those of the head."""
    names = layout.names
    lines = [*layout.edges, *zip(range(len(names)), range(len(names)))]
    torso = ['left_shoulder', 'right_shoulder', 'right_hip', 'left_hip']
    head = {'nose', 'left_eye', 'right_eye', 'left_ear', 'right_ear'}
    return (
        np.array(lines),
        [names.index(name) for name in torso] if set(torso) <= set(names) else [],
        [index for index, name in enumerate(names) if name in head],
    )


def _draw_body(
    shape: tuple[int, ...], points: np.ndarray, seen: np.ndarray, size: float, layout: SkeletonLayout
) -> np.ndarray:
    """``shape`` uint8, 0 on the body and 1 elsewhere, for keypoints ``(K, 2)`` in its cells. A person without visible
    keypoints there is taken to stand in the middle."""
    lines, torso, head = _anatomy(layout)
    body = np.ones(shape, np.uint8)
    limit = 1 << 14  # cells from the corner; OpenCV's own fractions end at some point
    where = np.rint(np.where(seen[:, None], points, 0).clip(-limit, limit) * (1 << _FRACTION)).astype(np.int32)
    lines = lines[seen[lines].all(1)]
    if len(lines):
        cv2.polylines(body, list(where[lines]), False, 0, max(1, round(LIMB * size)), cv2.LINE_8, _FRACTION)
    if torso and seen[torso].all():
        cv2.fillConvexPoly(body, where[torso], 0, cv2.LINE_8, _FRACTION)
    if seen[head].any():
        middle = np.rint(where[[index for index in head if seen[index]]].mean(0)).astype(int).tolist()
        cv2.circle(body, middle, round(HEAD * size * (1 << _FRACTION)), 0, cv2.FILLED, cv2.LINE_8, _FRACTION)
    if body.all():
        rows, columns = shape
        body[rows // 5 : rows - rows // 5, columns // 2] = 0
    return body
