"""Where boxes go: a Kalman filter with constant velocity for N boxes at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MEASUREMENT = 0.05
"""Standard deviation of a detected box's centre and size, as a fraction of its longer side."""
ACCELERATION = 3.0
"""Standard deviation of the change of velocity, in longer sides a second squared; a person is about 1.7 m."""
VELOCITY = 1.0
"""Standard deviation of the velocity of a box that is seen for the first time, in longer sides a second."""


@dataclass(frozen=True)
class BoxMotion:
    """The believed state of N boxes.

    state: ``(5, N, 4)``, of centre x, centre y, width and height each: value in pixels, velocity in pixels a second,
    the value's variance, its covariance with the velocity, and the velocity's variance. The four are independent, and
    written out they take a fraction of the time of as many products of matrices of 2 x 2.
    """

    state: np.ndarray

    @classmethod
    def start(cls, boxes: np.ndarray) -> BoxMotion:
        """Boxes ``(N, 4)`` x0, y0, x1, y1 that are seen for the first time, at rest as far as is known."""
        values = _values(boxes)
        scale, none = _scale(values), np.zeros_like(values)
        return cls(np.array([values, none, none + (MEASUREMENT * scale) ** 2, none, none + (VELOCITY * scale) ** 2]))

    def __getitem__(self, rows: np.ndarray) -> BoxMotion:
        """The boxes of these rows, by index or by ``(N,)`` bool."""
        return BoxMotion(self.state[:, rows])

    def __add__(self, other: BoxMotion) -> BoxMotion:
        """These boxes and those of ``other``."""
        return BoxMotion(np.concatenate([self.state, other.state], axis=1))

    def predict(self, seconds: float) -> BoxMotion:
        """The state ``seconds`` later."""
        value, velocity, variance, covariance, drift = self.state
        noise = (ACCELERATION * seconds * _scale(value)) ** 2
        spread = covariance + drift * seconds
        return BoxMotion(
            np.array(
                [
                    value + velocity * seconds,
                    velocity,
                    variance + (covariance + spread + noise * (seconds / 4)) * seconds,
                    spread + noise * (seconds / 2),
                    drift + noise,
                ]
            )
        )

    def correct(self, rows: np.ndarray, boxes: np.ndarray) -> BoxMotion:
        """The state once the boxes of ``rows`` ``(M,)`` have been seen at ``(M, 4)``."""
        value, velocity, variance, covariance, drift = self.state[:, rows]
        values = _values(boxes)
        total = variance + (MEASUREMENT * _scale(values)) ** 2
        error, gain, velocity_gain = values - value, variance / total, covariance / total
        state = self.state.copy()
        state[:, rows] = (
            value + gain * error,
            velocity + velocity_gain * error,
            variance - gain * variance,
            covariance - gain * covariance,
            drift - velocity_gain * covariance,
        )
        return BoxMotion(state)

    @property
    def centre(self) -> np.ndarray:
        """``(N, 2)``, pixels."""
        return self.state[0, :, :2]

    @property
    def boxes(self) -> np.ndarray:
        """``(N, 4)`` x0, y0, x1, y1."""
        half = np.maximum(self.state[0, :, 2:], 0) / 2
        return np.concatenate([self.centre - half, self.centre + half], axis=-1)


def _values(boxes: np.ndarray) -> np.ndarray:
    """Corners ``(N, 4)`` to centre and size."""
    boxes = boxes.astype(float)
    return np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], axis=-1)


def _scale(values: np.ndarray) -> np.ndarray:
    """``(N, 1)``: the longer side of each box, at least a pixel."""
    return np.maximum(np.maximum(values[:, 2:3], values[:, 3:]), 1)
