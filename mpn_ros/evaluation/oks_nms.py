"""Non-maximum suppression of poses by object keypoint similarity (section 4.2, after Papandreou et al., CVPR 2017)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mpn_ros.evaluation.results import pose_score
from mpn_ros.pipeline.nms import greedy_nms
from mpn_ros.result import Person
from mpn_ros.skeleton import COCO, SkeletonLayout, oks


def oks_nms(people: Sequence[Person], threshold: float, layout: SkeletonLayout = COCO) -> list[Person]:
    """The people that stay, best ``pose_score`` first: those whose pose has an OKS of at most ``threshold`` with every
    better one that stays.

    OKS is taken over the keypoints that both poses have, with the area of the better one's box; poses that share no
    keypoint leave each other alone.
    """
    ranked = sorted(people, key=pose_score, reverse=True)
    if not ranked:
        return []
    poses = np.stack([person.keypoints[:, :2] for person in ranked])
    seen = np.stack([person.visible for person in ranked])
    size = np.stack([person.box[2:] - person.box[:2] for person in ranked])
    similarity = oks(poses[None], poses[:, None], seen[None] & seen[:, None], size.prod(1)[:, None], layout)
    return [ranked[index] for index in greedy_nms(similarity, threshold)]
