"""How well a grouper gives peaks to people (section 4.2, Tables 3 and 4): COCO's AP, over all people and over those
whose boxes overlap, and how often a keypoint is right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mpn_ros.boxes import box_iou
from mpn_ros.evaluation.average_precision import average_precision
from mpn_ros.evaluation.grouping_input import GroupingInput
from mpn_ros.evaluation.reliability import reliability
from mpn_ros.evaluation.results import keypoint_results
from mpn_ros.pipeline.crops import to_crop_coordinates
from mpn_ros.pipeline.grouping import Grouper
from mpn_ros.pipeline.pipeline import Thresholds
from mpn_ros.result import Person, PoseResult

OVERLAPS = {'all': 0.0, 'overlap > 0.3': 0.3, 'overlap > 0.5': 0.5}
"""The parts that figures are split into: the IoU that a person's box must exceed with another person's."""

_SAME = 0.01
"""Pixels within which an answered keypoint is the peak itself; answers are rounded to float32."""

Figures = dict[str, dict[str, float | None]]
"""COCO's figures by name, 0..1, for each part of the people by name."""


def group(grouper: Grouper, images: Sequence[GroupingInput]) -> list[np.ndarray]:
    """The keypoints ``(M, K, 3)`` that the grouper gives to the boxes of each image."""
    return [grouper([image.peaks], [image.boxes])[0] for image in images]


def grouping_figures(grouper: Grouper, images: Sequence[GroupingInput]) -> Figures:
    """COCO's keypoint figures of a grouper, for each of ``OVERLAPS``."""
    results = [result for image, poses in zip(images, group(grouper, images)) for result in pose_results(image, poses)]
    return figures_by_overlap(images, results)


def pose_results(image: GroupingInput, poses: np.ndarray) -> list[dict[str, Any]]:
    """COCO results of the poses ``(M, K, 3)`` of the boxes of an image."""
    people = [Person(box[:4], float(box[4]), pose) for box, pose in zip(image.boxes, poses)]
    return keypoint_results(PoseResult(tuple(people), np.empty((0, 0), np.uint8)), image.image_id)


def figures_by_overlap(images: Sequence[GroupingInput], results: Sequence[dict[str, Any]]) -> Figures:
    """COCO's keypoint figures of ``results`` for each of ``OVERLAPS``: on the images that have such people, where all
    other people are neither asked for nor held against who finds them."""
    figures = {}
    for name, overlap in OVERLAPS.items():
        chosen = {image.image_id: truth for image in images if (truth := _only(image.truth, overlap)) is not None}
        labels = [label for truth in chosen.values() for label in truth]
        figures[name] = average_precision(
            list(chosen), labels, [result for result in results if result['image_id'] in chosen], 'keypoints'
        )
    return figures


def keypoint_rates(grouper: Grouper, images: Sequence[GroupingInput]) -> dict[str, float | None]:
    """The strict look at every keypoint of every person, where ``GroupingInput.own`` tells whose a peak is.

    ``own``: of the keypoints that have a peak, how many got it. ``refused``: of those that have none while others'
    peaks are in the box, how many got none. An answer below the keypoint threshold of the pipeline is no answer. 0..1;
    None where there is no such keypoint.
    """
    own, refused = [], []
    for image, poses in zip(images, group(grouper, images)):
        assert image.own is not None
        seen = poses[..., 2] >= Thresholds().keypoint_threshold
        has_peak = image.own[..., 2] > 0
        right = seen & (np.abs(poses[..., :2] - image.own[..., :2]).max(-1) < _SAME)
        tempted = (to_crop_coordinates(image.peaks[None], image.boxes[:, :4])[..., 2] > 0).any(-1) & ~has_peak
        own.append(right[has_peak])
        refused.append(~seen[tempted])
    rates = {'own': np.concatenate(own), 'refused': np.concatenate(refused)}
    return {name: float(rate.mean()) if len(rate) else None for name, rate in rates.items()}


def keypoint_reliability(grouper: Grouper, images: Sequence[GroupingInput]) -> list[dict[str, float]]:
    """Whether a keypoint's score says how sure the assignment is, where ``GroupingInput.own`` tells whose a peak is.

    The score of an answered keypoint by that of its peak is how likely the grouper holds it to be the person's:
    ``reliability`` of that likelihood, over all keypoints that are answered.
    """
    stated, right = [], []
    for image, poses in zip(images, group(grouper, images)):
        assert image.own is not None
        person, keypoint = np.nonzero(poses[..., 2] > 0)
        answer, own = poses[person, keypoint], image.own[person, keypoint]
        distance = np.abs(image.peaks[keypoint, :, :2] - answer[:, None, :2]).max(-1)
        distance[image.peaks[keypoint, :, 2] == 0] = np.inf
        stated.append(answer[:, 2] / image.peaks[keypoint, distance.argmin(-1), 2])
        right.append((own[:, 2] > 0) & (np.abs(own[:, :2] - answer[:, :2]).max(-1) < _SAME))
    return reliability(np.concatenate(stated), np.concatenate(right))


def _only(truth: Sequence[dict[str, Any]], overlap: float) -> list[dict[str, Any]] | None:
    """The labels of an image, those of people who overlap less made to be ignored; None where nobody is left."""
    if overlap == 0:
        return list(truth)
    persons = np.array([not label['iscrowd'] for label in truth], bool)
    boxes = np.array([label['bbox'] for label in truth], float).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    iou = box_iou(boxes, boxes) * persons * persons[:, None]
    np.fill_diagonal(iou, 0)
    close = iou.max(-1, initial=0) > overlap
    if not any(near and label['num_keypoints'] for near, label in zip(close, truth)):
        return None
    return [label if near else {**label, 'num_keypoints': 0} for near, label in zip(close, truth)]
