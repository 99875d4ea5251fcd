"""Ids that last: who in an image is who in the images before it.

The association is that of ByteTrack (Zhang et al., ECCV 2022), by boxes and skeletons: first those who are surely seen
with everybody who is followed, then the unsure with those who are left, so that a person half hidden keeps the id but
a doubtful sighting never begins a new one.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mpn_ros.assignment import best_assignment
from mpn_ros.errors import ParameterError
from mpn_ros.result import PoseResult
from mpn_ros.skeleton import COCO, SkeletonLayout
from mpn_ros.tracking.affinity import affinity
from mpn_ros.tracking.motion import BoxMotion

SURE_AFFINITY, UNSURE_AFFINITY = 0.2, 0.4
"""Least affinity of a sure and of an unsure sighting with the one who it is."""
LATE = 1.0
"""Seconds by which an image may be older than the newest before it and still be one of the same sequence: a driver that
swaps neighbours. What is older is of a sequence that begins anew."""


class Tracker:
    """Follows the people of one camera: gives each the same id from image to image.

    Ids count from 1 and are never given twice. ``timeout`` and ``new_track_threshold`` may be replaced at any time.

    Args:
        timeout: seconds for which somebody who is not seen is remembered.
        new_track_threshold: least score of a person who gets a new id. People below it keep an id, or have none.
        layout: what the keypoints are.

    Raises:
        ParameterError: for a value out of range.

    Examples:
        >>> from mpn_ros.result import Person, PoseResult
        >>> person = Person(np.array([10., 10, 50, 90]), .9, np.full((17, 3), np.nan))
        >>> tracker = Tracker()
        >>> [tracker.update(PoseResult((person,), None, (64, 96)), seconds).people[0].id for seconds in (0., .1, .2)]
        [1, 1, 1]
    """

    def __init__(self, timeout: float = 1.0, new_track_threshold: float = 0.5, layout: SkeletonLayout = COCO) -> None:
        if not timeout >= 0:
            raise ParameterError(f'timeout of a tracker must be at least 0 seconds, not {timeout}')
        if not 0 <= new_track_threshold <= 1:
            raise ParameterError(f'new_track_threshold of a tracker must be 0 to 1, not {new_track_threshold}')
        self.timeout, self.new_track_threshold, self._layout = timeout, new_track_threshold, layout
        self._next_id = 1
        self._size = (0, 0)
        self._reset()

    def _reset(self) -> None:
        self._now = -np.inf
        self._ids = np.empty(0, int)
        self._last_seen = np.empty(0)
        self._motion = BoxMotion.start(np.empty((0, 4)))
        self._keypoints = np.empty((0, len(self._layout), 3))

    def update(self, result: PoseResult, seconds: float) -> PoseResult:
        """Gives the people of the next image their ids.

        An image that is older than the newest so far by less than a second gets the ids of that moment, and those who
        are followed stay where they are. One that is older still, or of another size, is a new beginning: nobody is
        remembered, and ids count on.

        Args:
            result: the people of the image.
            seconds: when it was taken.

        Returns:
            The same result under ids.
        """
        if seconds <= self._now - LATE or result.image_size != self._size:
            self._reset()
        self._size = result.image_size
        if seconds >= self._now:
            self._advance(seconds)
        if not result.people:
            return result
        boxes = np.array([person.box for person in result.people])
        keypoints = result.keypoints
        sure = np.array([person.score for person in result.people]) >= self.new_track_threshold
        tracks = self._associate(boxes, keypoints, sure, *self._predict(seconds))
        seen = tracks >= 0
        self._last_seen[tracks[seen]] = np.maximum(self._last_seen[tracks[seen]], seconds)
        if seconds == self._now:
            self._motion = self._motion.correct(tracks[seen], boxes[seen])
            self._keypoints[tracks[seen]] = keypoints[seen]
        new = ~seen & sure
        if new.any():
            tracks[new] = self._start_tracks(boxes[new], keypoints[new], seconds)
        return replace(
            result,
            people=tuple(
                replace(person, id=int(self._ids[track]) if track >= 0 else None)
                for person, track in zip(result.people, tracks, strict=True)
            ),
        )

    def expected(self, seconds: float) -> np.ndarray:
        """Where those who are remembered should be in an image.

        Args:
            seconds: When the image was taken.

        Returns:
            Boxes ``(P, 4)`` x0, y0, x1, y1 in pixels, which may reach over the image; nobody where ``seconds`` is
            before the newest image.
        """
        if not len(self._ids) or seconds < self._now:
            return np.empty((0, 4))
        remembered = seconds - self._last_seen <= self.timeout
        return self._motion[remembered].predict(seconds - self._now).boxes

    def _advance(self, seconds: float) -> None:
        """Forgets who has not been seen for too long, and moves the others to where they should be now."""
        kept = seconds - self._last_seen <= self.timeout
        if not kept.all():
            self._ids, self._last_seen = self._ids[kept], self._last_seen[kept]
            self._motion, self._keypoints = self._motion[kept], self._keypoints[kept]
        # Nobody is remembered when nothing was seen before, so the time since then is asked of nobody.
        if len(self._ids):
            centre = self._motion.centre
            self._motion = self._motion.predict(seconds - self._now)
            self._keypoints[..., :2] += (self._motion.centre - centre)[:, None]
        self._now = seconds

    def _predict(self, seconds: float) -> tuple[np.ndarray, np.ndarray]:
        """Boxes and keypoints of those who are followed at that time, which is not after that of the newest image."""
        if seconds == self._now or not len(self._ids):
            return self._motion.boxes, self._keypoints
        then = self._motion.predict(seconds - self._now)
        keypoints = self._keypoints.copy()
        keypoints[..., :2] += (then.centre - self._motion.centre)[:, None]
        return then.boxes, keypoints

    def _associate(
        self,
        boxes: np.ndarray,
        keypoints: np.ndarray,
        sure: np.ndarray,
        expected_boxes: np.ndarray,
        expected_keypoints: np.ndarray,
    ) -> np.ndarray:
        """``(P,)``: who each of the sightings is, as a row of those who are followed; -1 for nobody."""
        alike = affinity(boxes, keypoints, expected_boxes, expected_keypoints, self._layout)
        tracks, free = np.full(len(boxes), -1), np.ones(len(self._ids), bool)
        for sightings, least in ((sure, SURE_AFFINITY), (~sure, UNSURE_AFFINITY)):
            if not sightings.any():
                continue
            # What is too unlike, or taken, is worth nothing, so that it does not keep others from one another.
            gain = np.where((alike >= least) & sightings[:, None] & free, alike, 0)
            if not gain.any():
                continue
            rows, columns = best_assignment(gain)
            matched = gain[rows, columns] > 0
            tracks[rows[matched]] = columns[matched]
            free[columns[matched]] = False
        return tracks

    def _start_tracks(self, boxes: np.ndarray, keypoints: np.ndarray, seconds: float) -> np.ndarray:
        """Follows new people, who were seen at that time. Returns their rows."""
        first, count = len(self._ids), len(boxes)
        self._ids = np.append(self._ids, self._next_id + np.arange(count))
        self._next_id += count
        self._last_seen = np.append(self._last_seen, np.full(count, seconds))
        self._motion += BoxMotion.start(boxes).predict(self._now - seconds)
        self._keypoints = np.concatenate([self._keypoints, keypoints])
        return first + np.arange(count)
