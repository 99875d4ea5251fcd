"""How far a person is without a depth camera: from how large the body's segments look, for a body of average build."""

from __future__ import annotations

import numpy as np

from mpn_ros.camera_model import CameraModel
from mpn_ros.depth.back_projection import Keypoints3D
from mpn_ros.skeleton import COCO

SEGMENTS = (
    ('left_shoulder', 'right_shoulder', 0.22),
    ('left_shoulder', 'left_hip', 0.288),
    ('right_shoulder', 'right_hip', 0.288),
    ('left_hip', 'left_knee', 0.245),
    ('right_hip', 'right_knee', 0.245),
    ('left_knee', 'left_ankle', 0.246),
    ('right_knee', 'right_ankle', 0.246),
)
"""Two joints and their distance as a share of the body's height, after Drillis and Contini (1966); the shoulders' is
that between the joints, not the breadth of the body."""
ERROR = 0.15
"""Standard deviation of the estimated distance as a share of it: heights and builds of adults differ by some 7 %, the
rest is segments seen at an angle and joints that are off by some pixels. ``benchmarks/positions.py`` measures it."""

_FIRST, _SECOND = (np.array([COCO.names.index(segment[end]) for segment in SEGMENTS]) for end in (0, 1))
_LENGTHS = np.array([length for _, _, length in SEGMENTS])


def estimate_from_height(keypoints: np.ndarray, camera: CameraModel, height: float) -> Keypoints3D:
    """A guess at the positions of keypoints, without depth.

    All keypoints of a person are put at one depth, as if the body stood parallel to the image. A segment seen at an
    angle looks shorter and so farther away, never nearer; so the depth is that of the segment that looks nearest. No
    position where no segment is seen whole.
    The spread is ``ERROR`` times the depth.

    Args:
        keypoints: ``(P, K, 2 or more)``: x and y in pixels, NaN where a keypoint is not visible.
        camera: The model of the images.
        height: Of the people, metres.

    Returns:
        The positions in metres.
    """
    rays = camera.rays(keypoints[..., :2].astype(np.float64))
    seen_lengths = np.linalg.norm(rays[:, _FIRST] - rays[:, _SECOND], axis=-1)
    with np.errstate(divide='ignore'):
        nearest = np.where(seen_lengths > 0, _LENGTHS * height / seen_lengths, np.inf).min(-1, keepdims=True)
    depth = np.where(np.isfinite(rays).all(-1) & np.isfinite(nearest), nearest, np.nan)
    return Keypoints3D(rays * depth[..., None], ERROR * depth)
