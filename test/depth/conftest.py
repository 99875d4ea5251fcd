"""People of known shape before a wall, seen by a depth camera: every keypoint is known in metres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from mpn_ros.camera_model import CameraModel
from mpn_ros.skeleton import COCO

# Metres from the middle of the hips: right of the image, down, away from the camera. Facing the camera, so that the
# person's left is on the right; one arm out to the side, one raised and held towards the camera.
STANDING = {
    'nose': (0, -0.68, -0.08),
    'left_eye': (0.03, -0.71, -0.06),
    'right_eye': (-0.03, -0.71, -0.06),
    'left_ear': (0.07, -0.70, 0.02),
    'right_ear': (-0.07, -0.70, 0.02),
    'left_shoulder': (0.19, -0.50, 0),
    'right_shoulder': (-0.19, -0.50, 0),
    'left_elbow': (0.47, -0.42, 0),
    'right_elbow': (-0.33, -0.60, -0.18),
    'left_wrist': (0.72, -0.35, 0),
    'right_wrist': (-0.36, -0.78, -0.35),
    'left_hip': (0.12, 0, 0),
    'right_hip': (-0.12, 0, 0),
    'left_knee': (0.14, 0.42, 0),
    'right_knee': (-0.14, 0.42, -0.05),
    'left_ankle': (0.15, 0.82, 0.05),
    'right_ankle': (-0.15, 0.82, 0.05),
}
STANDING = np.array([STANDING[name] for name in COCO.names])
LIMB = 0.045
"""Radius in metres of arms and legs, which are rows of balls; the trunk's balls are three times as large."""
CAMERA = CameraModel(np.array([[600.0, 0, 319.5], [0, 600, 239.5], [0, 0, 1]]), np.zeros(0), 640, 480)


def _balls(keypoints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centres ``(n, 3)`` and radii ``(n,)`` in metres of the body over ``joints`` ``(17, 3)``."""
    along = np.linspace(0, 1, 25)[:, None]
    limbs = [keypoints[a] + along * (keypoints[b] - keypoints[a]) for a, b in COCO.edges]
    middle = keypoints[[5, 6]].mean(0), keypoints[[11, 12]].mean(0)
    trunk = middle[0] + along * (middle[1] - middle[0])
    centres = np.concatenate([*limbs, trunk])
    radii = np.full(len(centres), LIMB)
    radii[-len(trunk) :] *= 3
    return centres, radii


def _hit(rays: np.ndarray, centre: np.ndarray, radius: float) -> np.ndarray:
    """Distance along z at which ``rays`` ``(..., 3)`` first meet a ball; infinite if they do not."""
    a, b, c = (rays**2).sum(-1), rays @ centre, centre @ centre - radius**2
    with np.errstate(invalid='ignore'):
        z = (b - np.sqrt(b**2 - a * c)) / a
    return np.where(np.isnan(z), np.inf, z)


@dataclass
class DepthScene:
    """Keypoints of the people ``(P, 17, 3)`` metres before a wall at ``wall`` metres."""

    keypoints: np.ndarray
    wall: float
    camera: CameraModel = CAMERA

    @property
    def pixels(self) -> np.ndarray:
        """``(P, 17, 2)``: where the keypoints are in the colour image."""
        k = self.camera.matrix
        return self.keypoints[..., :2] / self.keypoints[..., 2:] * k[[0, 1], [0, 1]] + k[:2, 2]

    @property
    def surface(self) -> np.ndarray:
        """``(P, 17, 3)`` metres: where the ray of each keypoint meets the person's own body."""
        rays = self.camera.rays(self.pixels)
        depth = np.stack(
            [
                np.min([_hit(own, *ball) for ball in zip(*_balls(keypoints), strict=True)], axis=0)
                for own, keypoints in zip(rays, self.keypoints, strict=True)
            ]
        )
        return rays * depth[..., None]

    def depth(self, scale: float = 1.0) -> np.ndarray:
        """``(480 * scale, 640 * scale)`` metres, float32."""
        width, height = round(self.camera.width * scale), round(self.camera.height * scale)
        camera = self.camera.resized(width, height)
        image = np.full((height, width), float(self.wall))
        k = camera.matrix
        for centre, radius in zip(*map(np.concatenate, zip(*map(_balls, self.keypoints), strict=True)), strict=True):
            reach = 1.2 * radius * k[0, 0] / centre[2] + 2
            x, y = centre[:2] / centre[2] * k[[0, 1], [0, 1]] + k[:2, 2]
            columns = np.arange(max(0, int(x - reach)), min(width, int(x + reach) + 1))
            rows = np.arange(max(0, int(y - reach)), min(height, int(y + reach) + 1))
            rays = camera.rays(np.stack(np.meshgrid(columns, rows), axis=-1).astype(float))
            part = np.ix_(rows, columns)
            image[part] = np.minimum(image[part], _hit(rays, centre, radius))
        return image.astype(np.float32)


@pytest.fixture
def standing():
    """``standing(x, z, wall=...)``: a scene with one person whose hips are at x, z metres."""

    def make(x: float = 0.0, z: float = 3.0, wall: float = 5.0) -> DepthScene:
        return DepthScene((STANDING + (x, 0, z))[None], wall)

    return make
