"""Whether ids last: the identity counts of CLEAR MOT (Bernardin and Stiefelhagen, 2008) for each labelled person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mpn_ros.assignment import best_assignment
from mpn_ros.boxes import box_iou
from mpn_ros.result import PoseResult

OVERLAP = 0.5
"""Least IoU of a person's box with the label that it is the answer to."""


@dataclass
class IdentityCounts:
    """What became of one labelled person.

    frames: in which the person is labelled; missed: those where nobody with an id is at the label; switches: changes
    of the id; fragmentations: times at which the person was found again after frames without an id; last: the id that
    was seen last.
    """

    frames: int = 0
    missed: int = 0
    switches: int = 0
    fragmentations: int = 0
    last: int | None = None


def count_identities(
    labels: Sequence[Mapping[str, np.ndarray]], results: Sequence[PoseResult]
) -> dict[str, IdentityCounts]:
    """Counts for each name in ``labels``, which give ``(4,)`` x0, y0, x1, y1 by name for each frame. ``results`` are
    the answers to the same frames; people without an id count as not there."""
    counts: dict[str, IdentityCounts] = {}
    missing: set[str] = set()
    for boxes, result in zip(labels, results, strict=True):
        found = _match(boxes, result, counts)
        for name in boxes:
            person = counts.setdefault(name, IdentityCounts())
            person.frames += 1
            if name not in found:
                person.missed += 1
                missing.add(name)
                continue
            if person.last is not None:
                person.switches += found[name] != person.last
                person.fragmentations += name in missing
            missing.discard(name)
            person.last = found[name]
    return counts


def _match(boxes: Mapping[str, np.ndarray], result: PoseResult, counts: Mapping[str, IdentityCounts]) -> dict[str, int]:
    """The id of each person that is found. One who overlaps as before stays the answer even where another overlaps
    more: otherwise two people close together would count as switches."""
    people = [person for person in result.people if person.id is not None]
    if not boxes or not people:
        return {}
    names, ids = list(boxes), np.array([person.id for person in people])
    overlap = box_iou(np.stack([boxes[name] for name in names]), np.stack([person.box for person in people]))
    before = [counts[name].last if name in counts else None for name in names]
    stays = np.array([[number == last for number in ids] for last in before])
    gain = np.where(overlap >= OVERLAP, overlap + stays, 0)
    rows, columns = best_assignment(gain)
    return {names[row]: int(ids[column]) for row, column in zip(rows, columns, strict=True) if gain[row, column] > 0}
