"""How alike two sightings of a person are: the overlap of the boxes and the similarity of the skeletons."""

from __future__ import annotations

import numpy as np

from mpn_ros.boxes import box_iou
from mpn_ros.skeleton import COCO, SkeletonLayout, oks

COMMON_KEYPOINTS = 4
"""Fewest keypoints seen in both sightings for which their distances are asked."""


def affinity(
    boxes: np.ndarray,
    keypoints: np.ndarray,
    expected_boxes: np.ndarray,
    expected_keypoints: np.ndarray,
    layout: SkeletonLayout = COCO,
) -> np.ndarray:
    """Of sightings ``(N, 4)``, ``(N, K, 3)`` with where M people are expected, ``(M, 4)``, ``(M, K, 3)``: ``(N, M)``,
    0..1, the mean of IoU and OKS, or the IoU where fewer than ``COMMON_KEYPOINTS`` are seen in both.

    Where two people pass each other their boxes are much the same and their keypoints are not.
    """
    overlap = box_iou(boxes, expected_boxes)
    common = np.isfinite(keypoints[:, None, :, 0]) & np.isfinite(expected_keypoints[None, ..., 0])
    x0, y0, x1, y1 = expected_boxes.T
    area = (x1 - x0) * (y1 - y0)
    similarity = oks(keypoints[:, None, :, :2], expected_keypoints[None, ..., :2], common, area[None], layout)
    return np.where(common.sum(-1) >= COMMON_KEYPOINTS, (overlap + similarity) / 2, overlap)
