"""RTMO and the other one-stage networks that MMDeploy writes in the same form: boxes and keypoints in pixels.

Source: MMDeploy's ``mmpose/models/heads/rtmo_head.py`` and ``configs/mmpose/pose-detection_rtmo_*`` for the outputs,
MMPose's ``projects/rtmo`` for what goes in (BGR from 0 to 255, grey 114 at the right and below), and rtmlib's RTMO,
whose keypoints are divided by the scale alone. All are Apache-2.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mpn_ros.families.base import Poses, Preprocessing, Traits
from mpn_ros.families.keypoints import names_of
from mpn_ros.families.signature import Signature

_OVERLAP = 0.65  # nms_thr in RTMO's own configurations


@dataclass(frozen=True)
class Rtmo:
    """Files with their own suppression have a few boxes, those without have one for each cell; who is suppressed once
    already passes a second time unharmed."""

    traits: Traits
    boxes: int  # which of the outputs they are
    form = 'RTMO (1x3xHxW in; boxes 1xNx5 and keypoints 1xNxKx3 out)'

    @classmethod
    def recognise(cls, signature: Signature) -> Rtmo | None:
        """See ``Family``."""
        if len(signature.inputs) != 1 or len(signature.outputs) != 2:
            return None
        for boxes, (found, poses) in enumerate((signature.outputs, signature.outputs[::-1])):
            if found.like(None, None, 5) and poses.like(None, None, None, 3):
                assert poses.shape is not None
                names = names_of(signature, poses.shape[2])
                pre = Preprocessing(channel_order='bgr', dtype=signature.inputs[0].dtype)
                return cls(Traits('RTMO', names, overlap=_OVERLAP, preprocessing=pre), boxes)
        return None

    def preprocess(self, images: np.ndarray) -> np.ndarray:
        """See ``Family``."""
        return self.traits.preprocessing(images)

    def decode(self, outputs: Sequence[np.ndarray], size: tuple[int, int]) -> list[Poses]:
        """See ``Family``."""
        boxes, keypoints = outputs[self.boxes], outputs[1 - self.boxes]
        return [Poses(*parts) for parts in zip(boxes.astype(np.float32), keypoints.astype(np.float32))]
