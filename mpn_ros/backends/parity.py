"""Whether a compiled graph answers as the network that it was made from."""

from __future__ import annotations

import cv2
import numpy as np

from mpn_ros.conventions import INPUT_MULTIPLE
from mpn_ros.raw_detections import RawDetections

TOLERANCE = 0.2
"""Most that a score or a probability may differ. In bfloat16 those of `lite` differ by up to 0.13 from float32; a graph
that overflows or was converted wrongly is off by more, or has NaN."""


def probe_images(shape: tuple[int, ...]) -> np.ndarray:
    """Pictures ``(B, H, W, 3)`` uint8, the same each time, that excite a network as a room does: coloured patches with
    soft edges."""
    batch, height, width, _ = shape
    patches = np.random.default_rng(0).integers(
        0, 255, (batch, height // INPUT_MULTIPLE, width // INPUT_MULTIPLE, 3), np.uint8
    )
    return np.stack([cv2.resize(picture, (width, height), interpolation=cv2.INTER_CUBIC) for picture in patches])


def output_mismatch(found: RawDetections, wanted: RawDetections) -> str | None:
    """What keeps ``found`` from being an answer such as ``wanted``, as the end of a sentence, or None. Compared are
    the scores of each keypoint's best peak and of the boxes, and the probabilities of person: where peaks and boxes are
    jumps when two of like score change places."""
    if not all(np.isfinite(part).all() for part in found):
        return 'it answers with NaN or infinity'
    apart = max(
        np.abs(a - b).max()
        for a, b in (
            (found.peaks[:, :, 0, 2], wanted.peaks[:, :, 0, 2]),
            (found.boxes[..., 4], wanted.boxes[..., 4]),
            (found.person, wanted.person),
        )
    )
    return f'it is off by {apart:.2f}, more than {TOLERANCE:g}' if apart > TOLERANCE else None
