"""A person whose every position is known, as a depth camera and the network see one, with the errors of both.

The camera is that of many robots: 640x480 pixels, 600 pixels of focal length. The errors:

- Depth is that of a stereo camera with a baseline of 50 mm, whose disparity errs by 0.08 pixels (the figure of Intel's
  guide to the RealSense D400): at 3 m that is 24 mm. It errs together over patches of 8 pixels, as block matching does,
  is told in millimetres, and 2 % of the pixels have none.
- Keypoints err by 0.45 % of the person's size on each axis, correlated over 23 ms, and 7.5 % of them are missing, for
  30 ms at a time. All of this was measured on people who stand on the clips cam01 and cam02 of Pose2Sim, with ``lite``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mpn_ros.camera_model import CameraModel
from mpn_ros.skeleton import COCO

WIDTH, HEIGHT, FOCAL = 640, 480, 600.0
CAMERA = CameraModel(
    np.array([[FOCAL, 0, (WIDTH - 1) / 2], [0, FOCAL, (HEIGHT - 1) / 2], [0, 0, 1]]), np.empty(0), WIDTH, HEIGHT
)
BASELINE, DISPARITY_ERROR, PATCH, HOLES = 0.05, 0.08, 8, 0.02
ERROR, MEMORY, MISSING, GAP = 0.0045, 0.023, 0.075, 0.03
BEHIND = 6.0
"""Metres to the wall behind the person."""
EYES = 0.9
"""Height of the camera in metres."""

_STANDING = {
    'nose': (0, 1.58, 0.09),
    'eye': (0.03, 1.62, 0.07),
    'ear': (0.07, 1.6, 0),
    'shoulder': (0.19, 1.4, 0),
    'elbow': (0.22, 1.12, 0),
    'wrist': (0.22, 0.87, 0.03),
    'hip': (0.1, 0.9, 0),
    'knee': (0.1, 0.49, 0),
    'ankle': (0.1, 0.08, 0),
}
"""Metres to the left, up and forward of the point between the feet, for a person of 1.7 m."""
_LIMBS = (
    ('left_shoulder', 'left_elbow', 0.05),
    ('left_elbow', 'left_wrist', 0.04),
    ('left_hip', 'left_knee', 0.075),
    ('left_knee', 'left_ankle', 0.055),
    ('left_shoulder', 'left_hip', 0.1),
)
_SWING = {'elbow': (0.28, 0.3, -1), 'wrist': (0.53, 0.35, -1), 'knee': (0.41, 0.35, 1), 'ankle': (0.82, 0.35, 1)}
"""Metres below shoulder or hip, radians of swing, and its sign."""
FLESH = 0.1
"""Metres by which the box is larger than the keypoints, to each side."""
STRIDE = 0.9
"""Strides a second of who walks."""


class Seen(NamedTuple):
    """One image: keypoints ``(17, 3)`` x, y, score, NaN where one is missing; box ``(4,)``; depth ``(H, W)`` uint16."""

    keypoints: np.ndarray
    box: np.ndarray
    depth: np.ndarray


def joints(place: np.ndarray, heading: float, phase: float | None) -> np.ndarray:
    """Where the keypoints are.

    Args:
        place: ``(2,)`` of the feet, right of the camera and before it, in metres.
        heading: the way they look, in radians from the direction to the camera's right.
        phase: of the stride, in radians; None for who stands.

    Returns:
        ``(17, 3)`` metres in the camera's optical frame.
    """
    body = np.empty((len(COCO), 3))
    for index, name in enumerate(COCO.names):
        side, _, part = name.rpartition('_')
        left, up, forward = _STANDING[part]
        sign = {'left': 1, 'right': -1, '': 0}[side]
        if phase is not None and part in _SWING:
            length, angle, way = _SWING[part]
            top = _STANDING['shoulder' if part in ('elbow', 'wrist') else 'hip'][1]
            swing = angle * way * sign * np.sin(phase)
            up, forward = top - length * np.cos(swing), length * np.sin(swing)
        body[index] = sign * left, up, forward
    ahead = np.array([np.cos(heading), np.sin(heading)])
    to_left = np.array([-ahead[1], ahead[0]])
    ground = place + body[:, 2:] * ahead + body[:, :1] * to_left
    return np.column_stack([ground[:, 0], EYES - body[:, 1], ground[:, 1]])


def project(points: np.ndarray) -> np.ndarray:
    """``(..., 3)`` metres to ``(..., 2)`` pixels."""
    return points[..., :2] / points[..., 2:] * FOCAL + CAMERA.matrix[:2, 2]


def render(points: np.ndarray) -> np.ndarray:
    """Depth ``(H, W)`` in metres of the person ``(17, 3)``, whose limbs are round, before a wall."""
    depth = np.full((HEIGHT, WIDTH), BEHIND)
    at = {name: points[index] for index, name in enumerate(COCO.names)}
    limbs = [
        (at[a.replace('left', side)], at[b.replace('left', side)], r)
        for a, b, r in _LIMBS
        for side in ('left', 'right')
    ]
    neck = (at['left_shoulder'] + at['right_shoulder']) / 2
    limbs += [(at['left_shoulder'], at['right_shoulder'], 0.08), (at['left_hip'], at['right_hip'], 0.1)]
    limbs += [(neck, (at['left_hip'] + at['right_hip']) / 2, 0.12)]
    limbs += [(neck, (at['left_ear'] + at['right_ear']) / 2, 0.06), (at['left_ear'], at['right_ear'], 0.08)]
    for start, end, radius in limbs:
        steps = max(2, int(np.linalg.norm(end - start) / (radius / 3)))
        for centre in start + np.linspace(0, 1, steps)[:, None] * (end - start):
            _draw_ball(depth, centre, radius)
    return depth


def _draw_ball(depth: np.ndarray, centre: np.ndarray, radius: float) -> None:
    x, y = project(centre)
    reach = radius * FOCAL / centre[2]
    rows = np.arange(max(0, int(y - reach)), min(HEIGHT, int(y + reach) + 2))[:, None]
    columns = np.arange(max(0, int(x - reach)), min(WIDTH, int(x + reach) + 2))
    off = ((columns - x) ** 2 + (rows - y) ** 2) / reach**2
    if off.size:
        part = depth[rows[0, 0] : rows[-1, 0] + 1, columns[0] : columns[-1] + 1]
        front = centre[2] - radius * np.sqrt(np.clip(1 - off, 0, 1))
        np.minimum(part, np.where(off <= 1, front, np.inf), out=part)


class Sensors:
    """The errors of depth camera and network, one image after the other. ``perfect`` ones have none."""

    def __init__(self, rate: float, perfect: bool = False, seed: int = 0) -> None:
        self._step, self._perfect, self._random = 1 / rate, perfect, np.random.default_rng(seed)
        self._error = self._random.normal(size=(len(COCO), 2))
        self._missing = np.zeros(len(COCO), bool)

    def look(self, points: np.ndarray) -> Seen:
        """The next image, of a person at ``points`` ``(17, 3)``."""
        pixels, depth = project(points), render(points)
        margin = FLESH * FOCAL / points[:, 2].mean()
        box = np.concatenate([pixels.min(0) - margin, pixels.max(0) + margin])
        scores = np.full(len(COCO), 0.7)
        if not self._perfect:
            pixels = pixels + self._keypoint_errors() * np.sqrt((box[2:] - box[:2]).prod())
            pixels[self._missing], scores[self._missing] = np.nan, 0
            depth = self._noisy(depth)
        return Seen(np.column_stack([pixels, scores]), box, np.rint(depth * 1000).astype(np.uint16))

    def _keypoint_errors(self) -> np.ndarray:
        kept = np.exp(-self._step / MEMORY)
        self._error = kept * self._error + np.sqrt(1 - kept**2) * self._random.normal(size=self._error.shape)
        # A keypoint goes and comes by rates that make it missing for GAP seconds, and for MISSING of the time.
        chance = self._random.random(len(COCO))
        back = 1 - np.exp(-self._step / GAP)
        gone = back * MISSING / (1 - MISSING)
        self._missing = np.where(self._missing, chance > back, chance < gone)
        return ERROR * self._error

    def _noisy(self, depth: np.ndarray) -> np.ndarray:
        coarse = self._random.normal(size=(HEIGHT // PATCH, WIDTH // PATCH))
        disparity = FOCAL * BASELINE / depth + DISPARITY_ERROR * np.kron(coarse, np.ones((PATCH, PATCH)))
        seen = self._random.random(depth.shape) >= HOLES
        return np.where(seen, FOCAL * BASELINE / disparity, 0)
