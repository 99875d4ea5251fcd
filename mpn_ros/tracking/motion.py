"""Where boxes go: a Kalman filter with constant velocity for N boxes at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MEASUREMENT = .05
"""Standard deviation of a detected box's centre and size, as a fraction of its longer side."""
ACCELERATION = 3.
"""Standard deviation of the change of velocity, in longer sides a second squared; a person is about 1.7 m."""
VELOCITY = 1.
"""Standard deviation of the velocity of a box that is seen for the first time, in longer sides a second."""


@dataclass(frozen=True)
class BoxMotion:
    """The believed state of N boxes.

    mean: ``(N, 4, 2)``, value in pixels and velocity in pixels a second of centre x, centre y, width and height.
    covariance: ``(N, 4, 2, 2)`` of each value and its velocity. The four are independent, so all are 2 x 2.
    """

    mean: np.ndarray
    covariance: np.ndarray

    @classmethod
    def start(cls, boxes: np.ndarray) -> BoxMotion:
        """Boxes ``(N, 4)`` x0, y0, x1, y1 that are seen for the first time, at rest as far as is known."""
        values = _values(boxes)
        mean = np.stack([values, np.zeros_like(values)], axis=-1)
        covariance = np.zeros((*values.shape, 2, 2))
        covariance[..., 0, 0] = (MEASUREMENT * _scale(values)) ** 2
        covariance[..., 1, 1] = (VELOCITY * _scale(values)) ** 2
        return cls(mean, covariance)

    def __getitem__(self, rows: np.ndarray) -> BoxMotion:
        """The boxes of these rows, by index or by ``(N,)`` bool."""
        return BoxMotion(self.mean[rows], self.covariance[rows])

    def __add__(self, other: BoxMotion) -> BoxMotion:
        """These boxes and those of ``other``."""
        return BoxMotion(np.concatenate([self.mean, other.mean]), np.concatenate([self.covariance, other.covariance]))

    def predict(self, seconds: float) -> BoxMotion:
        """The state ``seconds`` later."""
        step = np.array([[1., seconds], [0., 1.]])
        noise = np.outer([seconds ** 2 / 2, seconds], [seconds ** 2 / 2, seconds])
        scale = (ACCELERATION * _scale(self.mean[..., 0])) ** 2
        return BoxMotion(self.mean @ step.T, step @ self.covariance @ step.T + scale[..., None, None] * noise)

    def correct(self, rows: np.ndarray, boxes: np.ndarray) -> BoxMotion:
        """The state once the boxes of ``rows`` ``(M,)`` have been seen at ``(M, 4)``."""
        mean, covariance = self.mean.copy(), self.covariance.copy()
        values = _values(boxes)
        total = covariance[rows, :, 0, 0] + (MEASUREMENT * _scale(values)) ** 2
        gain = covariance[rows, :, :, 0] / total[..., None]
        covariance[rows] -= gain[..., None] * covariance[rows, :, :1, :]
        mean[rows] += gain * (values - mean[rows, :, 0])[..., None]
        return BoxMotion(mean, covariance)

    @property
    def centre(self) -> np.ndarray:
        """``(N, 2)``, pixels."""
        return self.mean[:, :2, 0]

    @property
    def boxes(self) -> np.ndarray:
        """``(N, 4)`` x0, y0, x1, y1."""
        half = np.maximum(self.mean[:, 2:, 0], 0) / 2
        return np.concatenate([self.centre - half, self.centre + half], axis=-1)


def _values(boxes: np.ndarray) -> np.ndarray:
    """Corners ``(N, 4)`` to centre and size."""
    boxes = boxes.astype(float)
    return np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], axis=-1)


def _scale(values: np.ndarray) -> np.ndarray:
    """``(N, 1)``: the longer side of each box, at least a pixel."""
    return np.maximum(np.maximum(values[:, 2:3], values[:, 3:]), 1)
