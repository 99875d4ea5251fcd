"""Keypoints that stand still on people who do: the One Euro filter (Casiez, Roussel and Vogel, CHI 2012) for each
keypoint of each id, with the score as its trust, and keypoints that neither flash up nor drop out for a moment.

It is a low-pass filter whose cutoff grows with speed: who stands is freed of tremble, who moves is followed.
Positions may be pixels or metres; speeds are told in sizes of the person a second.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mpn_ros.result import PoseResult
from mpn_ros.tracking.tracker import LATE

MIN_CUTOFF = 1.0
"""Cutoff in Hz at rest."""
BETA = 6.0
"""Hz by which the cutoff grows at a speed of one person's size a second."""
SPEED_CUTOFF = 1.5
"""Cutoff in Hz of the speed itself."""
SURE = 0.4
"""Score from which a position is fully trusted; below it, it moves the keypoint by a smaller part."""
APPEAR, HOLD = 0.1, 0.2
"""Seconds for which a keypoint must be visible until it is shown, and for which it stays when it is visible no more."""
FORGET = 0.5
"""Seconds without a person after which the filter begins anew."""


@dataclass
class _Track:
    """What is known of a person: positions ``(K, D)`` (NaN where there is none), speeds, last scores ``(K,)``, since
    when each is visible and when it last was, and when the person was last seen."""

    points: np.ndarray
    speeds: np.ndarray
    scores: np.ndarray
    since: np.ndarray
    visible: np.ndarray
    seconds: float


class KeypointSmoother:
    """Steadies the keypoints of one camera's people. May be called from several threads.

    Examples:
        >>> smoother, rng = KeypointSmoother(), np.random.default_rng(0)
        >>> noisy = 100 + rng.normal(size=(30, 1, 1, 2))
        >>> for frame, points in enumerate(noisy):
        ...     steady, scores = smoother.update([1], points, np.full((1, 1), 0.9), np.array([80.0]), frame / 30)
        >>> bool(abs(steady - 100).max() < abs(noisy[10:] - 100).max() / 2)
        True
    """

    def __init__(self) -> None:
        self._tracks: dict[int, _Track] = {}
        self._now = -np.inf
        self._turn = threading.Lock()

    def update(
        self, ids: Sequence[int | None], points: np.ndarray, scores: np.ndarray, sizes: np.ndarray, seconds: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """The next image. One that is late by less than a second, and people without an id, stay as they are; one that
        is older still begins anew.

        Args:
            ids: of ``P`` people.
            points: ``(P, K, D)``, NaN where a keypoint has no position.
            scores: ``(P, K)`` 0 to 1.
            sizes: ``(P,)`` of the people, in the unit of the points.
            seconds: when the image was taken.

        Returns:
            Points and scores. A keypoint that is held has a score that falls to 0.
        """
        steady, trusted = points.copy(), scores.copy()
        with self._turn:
            if seconds <= self._now - LATE:
                self._tracks.clear()
            elif seconds <= self._now:
                return steady, trusted
            self._now = seconds
            self._tracks = {key: track for key, track in self._tracks.items() if seconds - track.seconds <= FORGET}
            for row, person in enumerate(ids):
                if person is None:
                    continue
                if person in self._tracks:
                    track = self._tracks[person]
                    _advance(track, points[row], scores[row], max(float(sizes[row]), 1e-9), seconds)
                else:
                    track = self._tracks[person] = _begin(points[row], scores[row], seconds)
                steady[row], trusted[row] = _shown(track, seconds)
        return steady, trusted

    def smooth(self, result: PoseResult, seconds: float) -> PoseResult:
        """The same people with steady keypoints, in the image."""
        if not result.people:
            self.update([], result.keypoints[..., :2], result.keypoints[..., 2], np.empty(0), seconds)
            return result
        keypoints = result.keypoints
        boxes = np.array([person.box for person in result.people])
        points, scores = self.update(
            [person.id for person in result.people], keypoints[..., :2], keypoints[..., 2], box_sizes(boxes), seconds
        )
        steady = np.concatenate([points, scores[..., None]], -1).astype(np.float32)
        return replace(result, people=tuple(replace(who, keypoints=row) for who, row in zip(result.people, steady)))


def box_sizes(boxes: np.ndarray) -> np.ndarray:
    """Sizes ``(P,)`` of boxes ``(P, 4)`` x0, y0, x1, y1: the square root of the area."""
    return np.sqrt((boxes[:, 2:] - boxes[:, :2]).clip(0).prod(1))


def _begin(points: np.ndarray, scores: np.ndarray, seconds: float) -> _Track:
    """Somebody new, whose keypoints are all shown at once."""
    count = len(points)
    return _Track(
        points.astype(float),
        np.zeros(points.shape),
        scores.copy(),
        np.full(count, seconds - APPEAR),
        np.where(np.isfinite(points).all(-1), seconds, -np.inf),
        seconds,
    )


def _advance(track: _Track, points: np.ndarray, scores: np.ndarray, size: float, seconds: float) -> None:
    """Takes the positions ``(K, D)`` of the next image in."""
    passed = seconds - track.seconds
    seen, known = np.isfinite(points).all(-1), np.isfinite(track.points).all(-1)
    both = seen & known
    raw_speeds = (points - track.points)[both] / passed
    speeds = track.speeds[both] + _weight(SPEED_CUTOFF, passed) * (raw_speeds - track.speeds[both])
    cutoff = MIN_CUTOFF + BETA * np.linalg.norm(speeds, axis=-1) / size
    weight = _weight(cutoff, passed) * np.clip(scores[both] / SURE, 0, 1)
    moved = weight[:, None] * (points - track.points)[both]
    held = known & ~seen
    if both.any():  # what is held goes along with the rest of the person
        track.points[held] += np.median(moved, axis=0)
    track.points[both] += moved
    track.speeds[both] = speeds
    new = seen & ~known
    track.points[new], track.speeds[new], track.since[new] = points[new], 0, seconds
    track.visible[seen], track.scores[seen] = seconds, scores[seen]
    track.points[held & (seconds - track.visible > HOLD)] = np.nan
    track.seconds = seconds


def _weight(cutoff: np.ndarray | float, passed: float) -> np.ndarray | float:
    """How much of a new value a low-pass filter takes after ``passed`` seconds (equation 2 of the paper)."""
    return 1 / (1 + 1 / (2 * np.pi * cutoff * passed))


def _shown(track: _Track, seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """Points and scores of the keypoints that have been there for long enough."""
    long = track.visible - track.since >= APPEAR - 1e-6
    shown = np.isfinite(track.points).all(-1) & (long | (track.scores >= SURE))
    fading = 1 - (seconds - np.where(shown, track.visible, seconds)) / HOLD
    return np.where(shown[:, None], track.points, np.nan), np.where(shown, track.scores * fading.clip(0, 1), 0)
