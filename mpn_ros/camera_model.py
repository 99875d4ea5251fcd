"""How a camera projects: from pixels to the rays of its optical frame, x right, y down, z forward (REP-103)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from mpn_ros.errors import CalibrationError


@dataclass(frozen=True)
class CameraModel:
    """A pinhole camera behind a lens.

    matrix: ``(3, 3)``, K in pixels; whole numbers are the middle of a pixel.
    distortion: ``(n,)`` in OpenCV's order; of 4 coefficients for a ``fisheye`` (Kannala-Brandt), else of 4, 5, 8, 12 or
    14 (Brown-Conrady and its rational extension); empty for none.
    width, height: of the images that this is true of. Raises CalibrationError for a matrix without focal length.
    """

    matrix: np.ndarray
    distortion: np.ndarray
    width: int
    height: int
    fisheye: bool = False

    def __post_init__(self) -> None:
        if not (np.isfinite(self.matrix).all() and self.matrix[0, 0] > 0 and self.matrix[1, 1] > 0):
            raise CalibrationError('the camera is not calibrated: its matrix has no focal length')
        lengths = (0, 4) if self.fisheye else (0, 4, 5, 8, 12, 14)
        if self.distortion.size not in lengths or not np.isfinite(self.distortion).all():
            raise CalibrationError(
                f'the lens distortion must have {lengths} finite coefficients, not {self.distortion.tolist()}'
            )

    def resized(self, width: int, height: int) -> CameraModel:
        """The model of the same view in images of another size, as a driver's binning makes them. Raises
        CalibrationError where the sides have another proportion, so that it cannot be the same view."""
        if (width, height) == (self.width, self.height):
            return self
        if min(self.width, self.height) < 1 or abs(width * self.height - height * self.width) > max(width, height):
            raise CalibrationError(
                f'the calibration is for images of {self.width}x{self.height}, not of {width}x{height}'
            )
        scale = np.array([width / self.width, height / self.height])
        matrix = self.matrix.copy()
        matrix[:2, :2] *= scale[:, None]
        matrix[:2, 2] = (matrix[:2, 2] + 0.5) * scale - 0.5
        return replace(self, matrix=matrix, width=width, height=height)

    def rays(self, pixels: np.ndarray) -> np.ndarray:
        """``(..., 2)`` pixels to ``(..., 3)`` points of their rays at z = 1; times a depth along the optical axis they
        are positions. NaN stays NaN."""
        points = np.ascontiguousarray(pixels, np.float64).reshape(-1, 1, 2)
        if not len(points):
            return np.empty((*pixels.shape[:-1], 3))
        if not self.distortion.size:
            inverse = np.linalg.inv(self.matrix)
            rays = points @ inverse[:2, :2].T + inverse[:2, 2]
        elif self.fisheye:
            rays = cv2.fisheye.undistortPoints(points, self.matrix, self.distortion)
        else:
            rays = cv2.undistortPoints(points, self.matrix, self.distortion)
        return np.concatenate([rays, np.ones_like(rays[..., :1])], axis=-1).reshape(*pixels.shape[:-1], 3)
