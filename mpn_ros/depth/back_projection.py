"""From pixels to metres: each keypoint where the depth image shows the person, not what is before or behind."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mpn_ros.camera_model import CameraModel
from mpn_ros.depth.depth_clusters import DepthClusters, find_depth_clusters
from mpn_ros.errors import ImageError
from mpn_ros.skeleton import COCO

BODY_DEPTH = 0.4
"""Most that a shoulder, hip or the nose may be nearer or farther than the person, metres: a body that leans."""
BONES = (
    ('left_shoulder', None, BODY_DEPTH),
    ('right_shoulder', None, BODY_DEPTH),
    ('left_hip', None, BODY_DEPTH),
    ('right_hip', None, BODY_DEPTH),
    ('nose', None, BODY_DEPTH),
    ('left_elbow', 'left_shoulder', 0.45),
    ('right_elbow', 'right_shoulder', 0.45),
    ('left_wrist', 'left_elbow', 0.38),
    ('right_wrist', 'right_elbow', 0.38),
    ('left_knee', 'left_hip', 0.6),
    ('right_knee', 'right_hip', 0.6),
    ('left_ankle', 'left_knee', 0.55),
    ('right_ankle', 'right_knee', 0.55),
    ('left_eye', 'nose', 0.15),
    ('right_eye', 'nose', 0.15),
    ('left_ear', 'left_eye', 0.2),
    ('right_ear', 'right_eye', 0.2),
)
"""Keypoint, the keypoint that it hangs on, and the longest that this bone is in metres: that of a tall adult and some
error of the keypoints. What is farther away is beyond an edge. None is the person's own distance."""
WINDOW, SMALLEST_WINDOW = 0.02, 2.0
"""Radius of the window around a keypoint: a share of the person's larger side in the image, but some pixels of
depth."""
TORSO = tuple(COCO.names.index(name) for name in ('left_shoulder', 'right_shoulder', 'left_hip', 'right_hip'))

_BONES = [
    (COCO.names.index(keypoint), None if parent is None else COCO.names.index(parent), length)
    for keypoint, parent, length in BONES
]


class Keypoints3D(NamedTuple):
    """Keypoints in space.

    Attributes:
        points: ``(P, K, 3)`` metres in the camera's optical frame (x right, y down, z forward), NaN where a keypoint
            has no position.
        spread: ``(P, K)`` metres: the standard deviation that its distance is believed to have.
    """

    points: np.ndarray
    spread: np.ndarray

    @property
    def valid(self) -> np.ndarray:
        """``(P, K)`` bool: which keypoints have a position."""
        return np.isfinite(self.points).all(-1)

    def torso(self) -> Keypoints3D:
        """``(P, 1, 3)``: where each person is, the mean of shoulders and hips, of all keypoints where none of these is
        valid; its spread is the keypoints' median."""
        torso = np.zeros(self.valid.shape, bool)
        torso[:, TORSO] = True
        chosen = self.valid & (torso | ~(self.valid & torso).any(-1, keepdims=True))
        count = chosen.sum(-1)[:, None]
        middle = np.where(chosen[..., None], self.points, 0).sum(1) / np.where(count, count, np.nan)
        spread = np.sort(np.where(chosen, self.spread, np.inf), axis=-1)
        spread = np.take_along_axis(spread, np.maximum(count - 1, 0) // 2, -1)
        return Keypoints3D(middle[:, None], np.where(count, spread, np.nan))


def back_project(keypoints: np.ndarray, depth: np.ndarray, camera: CameraModel) -> Keypoints3D:
    """Where a depth image sees keypoints.

    A position is on the surface that faces the camera, some centimetres before the keypoint's middle. A keypoint is
    left out where the depth has no measurement, or only surfaces too far from the rest of the person to belong to it.

    Args:
        keypoints: ``(P, K, 2 or more)``: x and y in pixels of the colour image, NaN where a keypoint is not visible; K
            are the keypoints of COCO.
        depth: ``(h, w)``, registered to the colour image: the same view, at any resolution. Floats are metres, integers
            millimetres; 0, negative, NaN and infinite values are no measurement.
        camera: The model of the colour image.

    Returns:
        The positions in metres.

    Raises:
        ImageError: The depth image has other proportions than the colour image, so it cannot be registered to it.
    """
    height, width = depth.shape
    if abs(width * camera.height - height * camera.width) > max(camera.width, camera.height):
        raise ImageError(
            f'the depth image of {width}x{height} is not registered to the colour image of '
            f'{camera.width}x{camera.height}: their sides have different proportions'
        )
    people, count = keypoints.shape[:2]
    if not people:
        return Keypoints3D(np.empty((0, count, 3)), np.empty((0, count)))
    pixels = keypoints[..., :2].astype(np.float64)
    scale = np.array([width / camera.width, height / camera.height])
    centres = (pixels + 0.5) * scale - 0.5
    found = find_depth_clusters(depth, centres.reshape(-1, 2), np.repeat(_radii(centres), count))
    found = DepthClusters(*(values.reshape(people, count, -1) for values in found))
    return _assemble(found, camera.rays(pixels), _distances(found))


def _radii(centres: np.ndarray) -> np.ndarray:
    """``(P,)`` pixels of depth."""
    seen = np.isfinite(centres)
    low = np.where(seen, centres, np.inf).min(1)
    high = np.where(seen, centres, -np.inf).max(1)
    return np.maximum(WINDOW * (high - low).max(-1), SMALLEST_WINDOW)


def _distances(found: DepthClusters) -> np.ndarray:
    """``(P,)`` metres: the distance that most keypoints agree on, where a keypoint agrees the less the farther it is
    off; the nearest of several; NaN where nothing is seen."""
    people = len(found.depth)
    candidates = np.sort(found.depth.reshape(people, -1), axis=-1)  # NaN last
    agreement = 1 - np.abs(found.depth[:, None] - candidates[:, :, None, None]) / BODY_DEPTH
    votes = np.nan_to_num(np.maximum(agreement, 0) * found.share[:, None]).max(-1).sum(-1)
    return np.take_along_axis(candidates, votes.argmax(-1)[:, None], -1)[:, 0]


def _assemble(found: DepthClusters, rays: np.ndarray, distances: np.ndarray) -> Keypoints3D:
    """Takes for each keypoint, from the trunk outwards, the nearest surface that its bone reaches."""
    people, keypoints = rays.shape[:2]
    points, spread = np.full((people, keypoints, 3), np.nan), np.full((people, keypoints), np.nan)
    # The keypoint that the next one hangs on and how far that may be: where a keypoint is missing, the one before it.
    anchors, slack = np.full((people, keypoints, 3), np.nan), np.zeros((people, keypoints))
    everyone = np.arange(people)
    for keypoint, parent, length in _BONES:
        ray = rays[:, keypoint]
        anchor = ray * distances[:, None]
        reach = np.full(people, length)
        if parent is not None:
            hangs = np.isfinite(anchors[:, parent, 0])
            anchor = np.where(hangs[:, None], anchors[:, parent], anchor)
            reach += np.where(hangs, slack[:, parent], BODY_DEPTH)
        options = ray[:, None] * found.depth[:, keypoint, :, None]
        near = np.linalg.norm(options - anchor[:, None], axis=-1) <= reach[:, None]  # never true of NaN
        choice, seen = near.argmax(-1), near.any(-1)
        points[seen, keypoint] = options[everyone, choice][seen]
        spread[seen, keypoint] = found.spread[everyone, keypoint, choice][seen]
        if parent is None:
            anchors[:, keypoint] = points[:, keypoint]
        else:
            anchors[:, keypoint] = np.where(seen[:, None], points[:, keypoint], anchors[:, parent])
            slack[:, keypoint] = np.where(seen, 0, reach)
    return Keypoints3D(points, spread)
