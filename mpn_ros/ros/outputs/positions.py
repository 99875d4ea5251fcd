"""Where the people of a result are in space: estimated from their proportions, or anywhere on the rays of their
pixels. ``depth_positions.py`` measures it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
from sensor_msgs.msg import Image

from mpn_ros.camera_model import CameraModel
from mpn_ros.depth.back_projection import Keypoints3D
from mpn_ros.depth.proportions import estimate_from_height
from mpn_ros.errors import MpnError
from mpn_ros.msg import Keypoint3D
from mpn_ros.result import PoseResult
from mpn_ros.ros.camera_info import Calibration
from mpn_ros.ros.outputs.output import Output
from mpn_ros.ros.outputs.spatial_output import Located, SpatialOutput
from mpn_ros.serving.frames import DecodedFrame
from mpn_ros.serving.statistics import FrameStatistics


class Positions(Output):
    """Finds the people of each result in space, once for all of ``outputs``. A result without positions is counted in
    ``statistics``, with the reason."""

    source: int
    """How the people are found, of the constants of ``Keypoint3D``."""

    def __init__(self, calibration: Calibration, statistics: FrameStatistics, outputs: Sequence[SpatialOutput]) -> None:
        self._calibration, self._statistics, self._outputs = calibration, statistics, outputs

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
            keypoints = self._locate(frame, result, self._calibration.model(*result.image_size), depth)
        except Exception as error:  # whatever a message does to us, the next one gets its turn
            self._statistics.count_without_position(
                str(error) if isinstance(error, MpnError) else f'{type(error).__name__}: {error}'
            )
            return
        located = Located(frame.header, result.people, keypoints, self.source, frame.settings)
        for output in self._outputs:
            if output.wanted:
                output.publish(located)

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
