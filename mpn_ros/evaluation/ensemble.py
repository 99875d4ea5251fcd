"""Several networks as one (section 4.2): their people are gathered, and whoever was found twice is kept once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mpn_ros.conventions import ChannelOrder
from mpn_ros.evaluation.coco_eval import ImageToPeople
from mpn_ros.evaluation.oks_nms import oks_nms
from mpn_ros.result import PoseResult
from mpn_ros.skeleton import COCO, SkeletonLayout


class Ensemble:
    """Pipelines behind the call of one.

    members: they answer with the keypoints of ``layout``. The first is taken at its word for the mask, which the paper
    did not ensemble (section 4.4), and for people without a single keypoint, whom OKS cannot compare.
    threshold: the OKS above which two poses are one person's; on 200 training images AP was the same from .3 to .6.
    """

    def __init__(self, members: Sequence[ImageToPeople], threshold: float = 0.5, layout: SkeletonLayout = COCO) -> None:
        self.members, self.threshold, self.layout = tuple(members), threshold, layout

    def __call__(self, image: np.ndarray, channel_order: ChannelOrder = 'rgb') -> PoseResult:
        """The people of all members and the mask of the first, for one image ``(H, W, 3)`` uint8."""
        first, *others = (member(image, channel_order) for member in self.members)
        poses = [person for result in (first, *others) for person in result.people if person.visible.any()]
        boxes = [person for person in first.people if not person.visible.any()]
        people = [*oks_nms(poses, self.threshold, self.layout), *boxes]
        best_first = sorted(people, key=lambda person: person.score, reverse=True)
        return PoseResult(tuple(best_first), first.mask, first.image_size, layout=self.layout)
