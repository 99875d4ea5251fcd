"""How the keypoints of found people go wrong (Ronchi and Perona, ICCV 2017: "Benchmarking and Error Diagnosis in
Multi-Instance Pose Estimation")."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mpn_ros.evaluation.coco_eval import Answers
from mpn_ros.skeleton import SkeletonLayout, keypoint_similarity

KINDS = ('good', 'jitter', 'inversion', 'swap', 'miss', 'absent')
"""A keypoint's OKS is at least 0.85: good; at least 0.5: jitter. Below that it may lie at another keypoint of the same
person, as left at right: inversion; at a keypoint of another person: swap; or anywhere else: miss. Absent is one for
which the pose has no position, which COCO counts as a miss."""
_FOUND, _GOOD, _NEAR = 0.1, 0.85, 0.5


def keypoint_errors(answers: Answers) -> list[tuple[float, list[str] | None]]:
    """For every labelled person with keypoints, the area in pixels of the image, and of which of ``KINDS`` each
    labelled keypoint is; None where COCO's evaluation has no pose for that person at an OKS of 0.1."""
    evaluation = answers.matched('keypoints', [_FOUND])
    everybody = evaluation.evalImgs[: len(evaluation.params.imgIds)]  # of the first range of areas: all
    people: list[tuple[float, list[str] | None]] = []
    for image in everybody:
        if image is None:
            continue
        truth = [evaluation.cocoGt.anns[number] for number in image['gtIds']]
        for person, match in zip(truth, image['gtMatches'][0]):
            if person['iscrowd'] or not person['num_keypoints']:
                continue
            pose = evaluation.cocoDt.anns[int(match)] if match else None
            others = [other for other in truth if other is not person and other['num_keypoints']]
            kinds = None if pose is None else list(_kinds(_points(pose), person, others, answers.dataset.layout))
            people.append((float(person['area']), kinds))
    return people


def count_errors(people: list[tuple[float, list[str] | None]], low: float, high: float) -> dict[str, float]:
    """Of the people with an area from ``low`` to below ``high``: their number, how many were ``found``, and the share
    of each of ``KINDS`` in the labelled keypoints of those."""
    inside = [kinds for area, kinds in people if low <= area < high]
    kinds = [kind for found in inside if found is not None for kind in found]
    shares = {kind: kinds.count(kind) / max(1, len(kinds)) for kind in KINDS}
    return {'people': len(inside), 'found': sum(found is not None for found in inside), **shares}


def _points(annotation: dict[str, Any]) -> np.ndarray:
    return np.asarray(annotation['keypoints'], float).reshape(-1, 3)


def _kinds(
    pose: np.ndarray, person: dict[str, Any], others: list[dict[str, Any]], layout: SkeletonLayout
) -> Iterator[str]:
    truth = _points(person)
    for index in np.flatnonzero(truth[:, 2] > 0):
        if not pose[index].any():
            yield 'absent'
            continue
        # With each labelled keypoint of a person, as large as the one whose it should be.
        own, *theirs = (
            np.where(points[:, 2] > 0, keypoint_similarity(pose[index, :2], points[:, :2], person['area'], layout), 0)
            for points in (truth, *map(_points, others))
        )
        if own[index] >= _NEAR:
            yield 'good' if own[index] >= _GOOD else 'jitter'
        elif own.max() >= _NEAR:
            yield 'inversion'
        else:
            yield 'swap' if any(their.max() >= _NEAR for their in theirs) else 'miss'
