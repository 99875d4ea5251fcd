"""Where the people of a result are in space: estimated from their proportions, or anywhere on the rays of their
pixels. ``depth_positions.py`` measures it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from sensor_msgs.msg import Image

from mpn_ros.camera_model import CameraModel
from mpn_ros.depth.back_projection import Keypoints3D
from mpn_ros.depth.proportions import estimate_from_height
from mpn_ros.errors import MpnError
from mpn_ros.msg import Keypoint3D
from mpn_ros.result import Person, PoseResult
from mpn_ros.ros.camera_info import Calibration
from mpn_ros.ros.outputs.output import Output, image_time
from mpn_ros.ros.outputs.spatial_output import Located, SpatialOutput
from mpn_ros.serving.frames import DecodedFrame
from mpn_ros.serving.statistics import FrameStatistics
from mpn_ros.tracking.image_clock import ImageClock
from mpn_ros.tracking.smoothing import KeypointSmoother, box_sizes


class Positions(Output):
    """Finds the people of each result in space, once for all of ``outputs``, and steadies them in metres. A result
    without positions is counted in ``statistics``, with the reason."""

    smooths_itself = True

    source: int
    """How the people are found, of the constants of ``Keypoint3D``."""

    def __init__(self, calibration: Calibration, statistics: FrameStatistics, outputs: Sequence[SpatialOutput]) -> None:
        self._calibration, self._statistics, self._outputs = calibration, statistics, outputs
        self._smoother, self._clock = KeypointSmoother(), ImageClock()

    @property
    def wanted(self) -> bool:
        """Whether one of the outputs has listeners."""
        return any(output.wanted for output in self._outputs)

    def publish(self, frame: DecodedFrame, result: PoseResult) -> None:
        """Finds the people and sends them to all outputs that are wanted."""
        if self.wanted:
            self._publish(frame, result, None)

    def _publish(self, frame: DecodedFrame, result: PoseResult, depth: Image | None) -> None:
        try:
            model = self._calibration.model(*result.image_size)
            people, keypoints = result.people, self._locate(frame, result, model, depth)
            if frame.settings.smoothing != 'off':
                people, keypoints = self._smooth(people, keypoints, model, image_time(self._clock, frame))
        except Exception as error:  # whatever a message does to us, the next one gets its turn
            self._statistics.count_without_position(
                str(error) if isinstance(error, MpnError) else f'{type(error).__name__}: {error}'
            )
            return
        located = Located(frame.header, people, keypoints, self.source, frame.settings)
        for output in self._outputs:
            if output.wanted:
                output.publish(located)

    def _smooth(
        self, people: tuple[Person, ...], keypoints: Keypoints3D, model: CameraModel, seconds: float
    ) -> tuple[tuple[Person, ...], Keypoints3D]:
        """The people with the scores, and the positions, that are steady. One that stays for a moment without being
        measured is as uncertain as the least certain of the person."""
        boxes = np.array([person.box for person in people]).reshape(-1, 4)
        distances = [
            float(np.median(points[valid, 2])) if valid.any() else 1.0
            for points, valid in zip(keypoints.points, keypoints.valid, strict=True)
        ]
        scores = np.array([person.keypoints[:, 2] for person in people]).reshape(keypoints.spread.shape)
        points, scores = self._smoother.update(
            [person.id for person in people],
            keypoints.points,
            scores,
            box_sizes(boxes) * distances / float(model.matrix[0, 0]),
            seconds,
        )
        largest = np.where(keypoints.valid, keypoints.spread, -np.inf).max(-1, initial=-np.inf, keepdims=True)
        spread = np.where(keypoints.valid | ~np.isfinite(largest), keypoints.spread, largest)
        steady = Keypoints3D(points, np.where(np.isfinite(points).all(-1), spread, np.nan))
        scored = (np.column_stack([person.keypoints[:, :2], row]) for person, row in zip(people, scores, strict=True))
        return tuple(replace(person, keypoints=pose) for person, pose in zip(people, scored, strict=True)), steady

    @abstractmethod
    def _locate(self, frame: DecodedFrame, result: PoseResult, model: CameraModel, depth: Image | None) -> Keypoints3D:
        """The keypoints of the result in space. Raises MpnError."""


class EstimatedPositions(Positions):
    """As far away as people of the height ``person_height`` look so large."""

    source = Keypoint3D.ESTIMATED

    def _locate(self, frame: DecodedFrame, result: PoseResult, model: CameraModel, depth: Image | None) -> Keypoints3D:
        return estimate_from_height(result.keypoints, model, frame.settings.person_height)


class PositionsOnRays(Positions):
    """All at ``marker_distance``: where people really are is not known, but drawn there they cover their pixels."""

    source = Keypoint3D.NONE

    def _locate(self, frame: DecodedFrame, result: PoseResult, model: CameraModel, depth: Image | None) -> Keypoints3D:
        return project_to_distance(result.keypoints, model, frame.settings.marker_distance)


def project_to_distance(keypoints: np.ndarray, model: CameraModel, distance: float) -> Keypoints3D:
    """Keypoints ``(P, K, 3)`` in pixels on their rays, all of them ``distance`` metres along the optical axis."""
    points = model.rays(keypoints[..., :2]) * distance
    return Keypoints3D(points, np.full(points.shape[:-1], np.nan))
