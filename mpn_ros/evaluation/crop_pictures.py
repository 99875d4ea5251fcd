"""Crops in which groupers differ most: the peaks of people who overlap, and whose they become (Fig. 4, c and d). Only
peaks, boxes and skeletons are drawn, never the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from mpn_ros.boxes import box_iou
from mpn_ros.evaluation.grouping import group
from mpn_ros.evaluation.grouping_input import GroupingInput
from mpn_ros.evaluation.skeleton_plots import colour, frame, plot_skeleton
from mpn_ros.pipeline.crops import expand
from mpn_ros.pipeline.grouping import Grouper
from mpn_ros.pipeline.pipeline import Thresholds
from mpn_ros.skeleton import SkeletonLayout, oks

_MATCH = 0.5
"""The IoU from which a box is a labelled person's."""


class Crop(NamedTuple):
    """A labelled person's box ``(4,)`` among the ``others`` ``(Q, 4)``, the ``peaks`` of the image, and by grouper the
    pose ``(K, 2)`` and its OKS."""

    image_id: int
    box: np.ndarray
    others: np.ndarray
    peaks: np.ndarray
    poses: dict[str, np.ndarray]
    oks: dict[str, float]


def crops_that_differ(
    groupers: Mapping[str, Grouper], images: Sequence[GroupingInput], count: int, overlap: float, layout: SkeletonLayout
) -> list[Crop]:
    """The ``count`` crops, one an image at most, of people who overlap another by more than ``overlap`` in which the
    first grouper's OKS is highest above the best of the others'."""
    answers = {name: group(grouper, images) for name, grouper in groupers.items()}
    first, *rest = groupers
    found = []
    for index, image in enumerate(images):
        crops = _crops(image, {name: poses[index] for name, poses in answers.items()}, overlap, layout)
        found += sorted(crops, key=lambda crop: _lead(crop, first, rest))[-1:]
    return sorted(found, key=lambda crop: -_lead(crop, first, rest))[:count]


def draw_crops(crops: Sequence[Crop], layout: SkeletonLayout) -> Figure:
    """A row for each crop: the peaks of all people there, then each grouper's pose and its OKS."""
    names = list(crops[0].poses)
    figure = Figure(figsize=(2.6 * (1 + len(names)), 3.0 * len(crops)), layout='constrained')
    for panels, crop in zip(figure.subplots(len(crops), 1 + len(names), squeeze=False), crops):
        titles = ['peaks', *(f'{name}, OKS {crop.oks[name]:.2f}' for name in names)]
        for panel, title in zip(panels, titles):
            x0, y0, x1, y1 = expand(crop.box, 0.3)
            frame(panel, x0, y0, x1, y1, title)
            for box, style in [*((other, ':') for other in crop.others), (crop.box, '-')]:
                panel.plot(box[[0, 2, 2, 0, 0]], box[[1, 1, 3, 3, 1]], style, color='grey', linewidth=1.5)
        for keypoint, peaks in enumerate(crop.peaks):
            strong = peaks[peaks[:, 2] >= Thresholds().keypoint_threshold]
            panels[0].scatter(strong[:, 0], strong[:, 1], 6 + 30 * strong[:, 2], color=colour(layout, keypoint))
        for panel, name in zip(panels[1:], names):
            plot_skeleton(panel, crop.poses[name], layout)
    return figure


def _lead(crop: Crop, first: str, rest: Sequence[str]) -> float:
    return crop.oks[first] - max(crop.oks[name] for name in rest)


def _crops(image: GroupingInput, poses: Mapping[str, np.ndarray], overlap: float, layout: SkeletonLayout) -> list[Crop]:
    persons = [label for label in image.truth if label['num_keypoints'] > len(layout) // 2 and not label['iscrowd']]
    boxes = np.array([label['bbox'] for label in persons], float).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    iou = box_iou(boxes, boxes) - np.eye(len(boxes))
    crops = []
    for label, box, close in zip(persons, boxes, iou):
        match = box_iou(box[None], image.boxes[:, :4])[0]
        if close.max(initial=0) <= overlap or match.max(initial=0) < _MATCH:
            continue
        chosen = {name: all_poses[match.argmax()] for name, all_poses in poses.items()}
        truth = np.reshape(label['keypoints'], (-1, 3))
        seen = {
            name: np.where(pose[:, 2:] >= Thresholds().keypoint_threshold, pose[:, :2], np.nan)
            for name, pose in chosen.items()
        }
        likeness = {
            name: float(oks(np.nan_to_num(pose), truth[:, :2], truth[:, 2] > 0, label['area'], layout))
            for name, pose in seen.items()
        }
        crops.append(Crop(image.image_id, box, boxes[close > 0], image.peaks, seen, likeness))
    return crops
