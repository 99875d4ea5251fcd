"""Ids that last: who in an image is who in the images before it.

The association is that of ByteTrack (Zhang et al., ECCV 2022), by boxes and skeletons: first those who are surely seen
with everybody who is followed, then the unsure with those who are left, so that a person half hidden keeps the id but
a doubtful sighting never begins a new one.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from mpn_ros.errors import ParameterError
from mpn_ros.scene import Scene
from mpn_ros.skeleton import COCO, SkeletonLayout
from mpn_ros.tracking.affinity import affinity
from mpn_ros.tracking.motion import BoxMotion

SURE_AFFINITY, UNSURE_AFFINITY = .2, .4
"""Least affinity of a sure and of an unsure sighting with the one who it is."""


class Tracker:
    """Follows the people of one camera.

    timeout: seconds for which somebody who is not seen is remembered. new_score: least score of a person who gets a
    new id; people below it keep an id, or have none. Both may be replaced at any time. Ids count from 1 and are never
    given twice. ``layout`` is that of the keypoints. Raises ParameterError.
    """

    def __init__(self, timeout: float = 1., new_score: float = .5, layout: SkeletonLayout = COCO) -> None:
        if not timeout >= 0:
            raise ParameterError(f'timeout of a tracker must be at least 0 seconds, not {timeout}')
        if not 0 <= new_score <= 1:
            raise ParameterError(f'new_score of a tracker must be 0 to 1, not {new_score}')
        self.timeout, self.new_score, self._layout = timeout, new_score, layout
        self._next_id = 1
        self._size = (0, 0)
        self._forget()

    def _forget(self) -> None:
        self._now = -np.inf
        self._ids = np.empty(0, int)
        self._last_seen = np.empty(0)
        self._motion = BoxMotion.start(np.empty((0, 4)))
        self._keypoints = np.empty((0, len(self._layout), 3))

    def update(self, scene: Scene, seconds: float) -> Scene:
        """The scene with ids, of an image taken at ``seconds``. A time before that of the last image, or an image of
        another size, is a new beginning: nobody is remembered, and ids count on."""
        if seconds < self._now or scene.image_size != self._size:
            self._forget()
        self._size = scene.image_size
        self._expect(seconds)
        if not scene.people:
            return scene
        boxes = np.array([person.box for person in scene.people])
        keypoints = scene.keypoints
        sure = np.array([person.score for person in scene.people]) >= self.new_score
        tracks = self._associate(boxes, keypoints, sure)
        self._correct(tracks, boxes, keypoints)
        new = (tracks < 0) & sure
        if new.any():
            tracks[new] = self._begin(boxes[new], keypoints[new])
        return replace(scene, people=tuple(
            replace(person, id=int(self._ids[track]) if track >= 0 else None)
            for person, track in zip(scene.people, tracks, strict=True)))

    def _expect(self, seconds: float) -> None:
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

    def _associate(self, boxes: np.ndarray, keypoints: np.ndarray, sure: np.ndarray) -> np.ndarray:
        """``(P,)``: who each of the sightings is, as a row of those who are followed; -1 for nobody."""
        alike = affinity(boxes, keypoints, self._motion.boxes, self._keypoints, self._layout)
        tracks, free = np.full(len(boxes), -1), np.ones(len(self._ids), bool)
        for sightings, least in ((sure, SURE_AFFINITY), (~sure, UNSURE_AFFINITY)):
            if not sightings.any():
                continue
            # What is too unlike, or taken, is worth nothing, so that it does not keep others from one another.
            gain = np.where((alike >= least) & sightings[:, None] & free, alike, 0)
            if not gain.any():
                continue
            rows, columns = linear_sum_assignment(gain, maximize=True)
            matched = gain[rows, columns] > 0
            tracks[rows[matched]] = columns[matched]
            free[columns[matched]] = False
        return tracks

    def _correct(self, tracks: np.ndarray, boxes: np.ndarray, keypoints: np.ndarray) -> None:
        seen = tracks >= 0
        rows = tracks[seen]
        self._motion = self._motion.correct(rows, boxes[seen])
        self._keypoints[rows] = keypoints[seen]
        self._last_seen[rows] = self._now

    def _begin(self, boxes: np.ndarray, keypoints: np.ndarray) -> np.ndarray:
        """Follows new people. Returns their rows."""
        first, count = len(self._ids), len(boxes)
        self._ids = np.append(self._ids, self._next_id + np.arange(count))
        self._next_id += count
        self._last_seen = np.append(self._last_seen, np.full(count, self._now))
        self._motion += BoxMotion.start(boxes)
        self._keypoints = np.concatenate([self._keypoints, keypoints])
        return first + np.arange(count)
