"""MoveNet MultiPose Lightning: at most six people, boxes and keypoints as fractions of the input.

Source: the model card of TensorFlow Hub's ``google/movenet/multipose/lightning/1`` (Apache-2.0), and ONNX files made
of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mpn_ros.families.base import Poses, Preprocessing, Traits
from mpn_ros.families.signature import Signature

_PEOPLE, _ROW = 6, 56  # 17 times y, x, score; then y0, x0, y1, x1, score


@dataclass(frozen=True)
class MoveNet:
    """Its padding is black, at the right and below; sides are multiples of 32. Keypoints count from the middle of a
    pixel, and a person is suppressed by the network itself."""

    traits: Traits
    form = 'MoveNet MultiPose (1xHxWx3 in, 1x6x56 out)'

    @classmethod
    def recognise(cls, signature: Signature) -> MoveNet | None:
        """See ``Family``."""
        if len(signature.inputs) != 1 or len(signature.outputs) != 1:
            return None
        pixels, rows = signature.inputs[0], signature.outputs[0]
        if not pixels.like(None, None, None, 3) or not rows.like(None, _PEOPLE, _ROW):
            return None
        return cls(
            Traits(
                'MoveNet MultiPose',
                input_size=384,
                pad_value=0,
                origin=0.5,
                people=_PEOPLE,
                preprocessing=Preprocessing(channels_last=True, dtype=pixels.dtype),
            )
        )

    def preprocess(self, images: np.ndarray) -> np.ndarray:
        """See ``Family``."""
        return self.traits.preprocessing(images)

    def decode(self, outputs: Sequence[np.ndarray], size: tuple[int, int]) -> list[Poses]:
        """See ``Family``."""
        width, height = size
        rows = outputs[0].astype(np.float32)
        to_pixels = np.array([width, height, width, height, 1], np.float32)
        keypoints = rows[..., :51].reshape(*rows.shape[:2], 17, 3)[..., [1, 0, 2]] * to_pixels[2:]
        boxes = rows[..., [52, 51, 54, 53, 55]] * to_pixels
        return [Poses(*parts) for parts in zip(boxes, keypoints)]
