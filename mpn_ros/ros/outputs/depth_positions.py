"""Where the people of a result are in space, as a depth image shows it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from rclpy.time import Time
from sensor_msgs.msg import Image

from mpn_ros.camera_model import CameraModel
from mpn_ros.decoding.depth import decode_depth
from mpn_ros.depth.back_projection import Keypoints3D, back_project
from mpn_ros.errors import ImageError
from mpn_ros.msg import Keypoint3D
from mpn_ros.result import PoseResult
from mpn_ros.ros.camera_info import Calibration
from mpn_ros.ros.camera_topics import CameraTopics
from mpn_ros.ros.outputs.positions import Positions
from mpn_ros.ros.outputs.spatial_output import SpatialOutput
from mpn_ros.ros.qos import DEPTH_QOS
from mpn_ros.serving.frames import DecodedFrame
from mpn_ros.serving.statistics import FrameStatistics
from mpn_ros.serving.synchronizer import Match, StampSynchronizer


class _Result(NamedTuple):
    frame: DecodedFrame
    result: PoseResult


class MeasuredPositions(Positions):
    """Where the depth image shows them whose stamp is the nearest to the image's. It may come before the result or
    after it. Where stamps cannot tell, it is the one that came nearest to the image, which ``statistics`` counts."""

    source = Keypoint3D.MEASURED

    def __init__(
        self,
        topics: CameraTopics,
        calibration: Calibration,
        statistics: FrameStatistics,
        outputs: Sequence[SpatialOutput],
        depth_topic: str,
    ) -> None:
        super().__init__(calibration, statistics, outputs)
        self._topics, self._depth_topic = topics, topics.resolve(depth_topic)
        self._synchronizer = StampSynchronizer(['depth'])

    def open(self) -> None:
        """Subscribes to the depth images; no result waits for one."""
        self._synchronizer = StampSynchronizer(['depth'])
        self._topics.subscribe(Image, self._depth_topic, self._depth_callback, DEPTH_QOS, parameters="'depth_topic'")

    def publish(self, frame: DecodedFrame, result: PoseResult) -> None:
        """Sends the positions now, or when the depth image comes."""
        stamp = Time.from_msg(frame.header.stamp).nanoseconds
        self._publish_matches(
            self._synchronizer.add(_Result(frame, result), stamp, frame.received, frame.settings.depth_tolerance)
        )

    def _depth_callback(self, depth: Image) -> None:
        stamp = Time.from_msg(depth.header.stamp).nanoseconds
        self._publish_matches(self._synchronizer.add_part('depth', depth, stamp, time.monotonic()))

    def _publish_matches(self, matches: Sequence[Match]) -> None:
        for (frame, result), parts, by_arrival in matches:
            if 'depth' not in parts:
                tolerance = frame.settings.depth_tolerance
                self._statistics.count_without_position(f'no depth image has come within {tolerance:g} s of an image')
                continue
            if by_arrival:
                self._statistics.count_paired_by_arrival(
                    f"depth images of '{self._depth_topic}' are paired with images by their arrival: stamps of one of "
                    'the two are zero or stand still'
                )
            self._publish(frame, result, parts['depth'])

    def _locate(self, frame: DecodedFrame, result: PoseResult, model: CameraModel, depth: Image | None) -> Keypoints3D:
        assert depth is not None
        if depth.header.frame_id != frame.header.frame_id:
            raise ImageError(
                f"the depth image is in frame '{depth.header.frame_id}' and the image in "
                f"'{frame.header.frame_id}': only depth that is registered to the image can be used"
            )
        return back_project(result.keypoints, decode_depth(depth), model)
