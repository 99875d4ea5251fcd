"""Where the people of a result are in space, as a depth image shows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sensor_msgs.msg import Image

from mpn_ros.camera_model import CameraModel
from mpn_ros.decoding.depth import decode_depth
from mpn_ros.depth.back_projection import Keypoints3D, back_project
from mpn_ros.errors import ImageError
from mpn_ros.msg import Keypoint3D
from mpn_ros.ros.camera_info import Calibration
from mpn_ros.ros.camera_topics import CameraTopics
from mpn_ros.ros.outputs.positions import Positions
from mpn_ros.ros.outputs.spatial_output import SpatialOutput
from mpn_ros.ros.qos import DEPTH_QOS
from mpn_ros.scene import Scene
from mpn_ros.serving.depth_sync import DepthSynchronizer
from mpn_ros.serving.frames import DecodedFrame
from mpn_ros.serving.statistics import FrameStatistics


class _Result(NamedTuple):
    frame: DecodedFrame
    result: Scene


class MeasuredPositions(Positions):
    """Where the depth image shows them whose stamp is the nearest to the image's. It may come before the result or
    after it."""

    source = Keypoint3D.MEASURED

    def __init__(self, topics: CameraTopics, calibration: Calibration, statistics: FrameStatistics,
                 outputs: Sequence[SpatialOutput], depth_topic: str) -> None:
        super().__init__(calibration, statistics, outputs)
        self._topics, self._depth_topic = topics, topics.resolve(depth_topic)
        self._synchronizer: DepthSynchronizer[_Result] = DepthSynchronizer()

    def open(self) -> None:
        """Subscribes to the depth images; no result waits for one."""
        self._synchronizer = DepthSynchronizer()
        self._topics.subscribe(Image, self._depth_topic, self._depth_callback, DEPTH_QOS, parameters="'depth_topic'")

    def publish(self, frame: DecodedFrame, result: Scene) -> None:
        """Sends the positions now, or when the depth image comes."""
        tolerance = frame.settings.depth_tolerance
        depth, overtaken = self._synchronizer.add_result(frame.header, _Result(frame, result), tolerance)
        if overtaken is not None:
            self._statistics.count_without_position(f'no depth image has come within {tolerance:g} s of an image')
        if depth is not None:
            self._publish(frame, result, depth)

    def _depth_callback(self, depth: Image) -> None:
        waiting = self._synchronizer.add_depth(depth)
        if waiting is not None:
            self._publish(*waiting, depth)

    def _locate(self, frame: DecodedFrame, result: Scene, model: CameraModel, depth: Image | None) -> Keypoints3D:
        assert depth is not None
        if depth.header.frame_id != frame.header.frame_id:
            raise ImageError(f"the depth image is in frame '{depth.header.frame_id}' and the image in "
                             f"'{frame.header.frame_id}': only depth that is registered to the image can be used")
        return back_project(result.keypoints, decode_depth(depth), model)
