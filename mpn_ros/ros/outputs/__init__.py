"""What the node publishes of each result, an output a module. A new one gets a module and a line here."""

from __future__ import annotations

from mpn_ros.parameters import Parameters
from mpn_ros.ros.camera_info import Calibration
from mpn_ros.ros.camera_topics import CameraTopics
from mpn_ros.ros.message_packages import PackageError
from mpn_ros.ros.outputs.annotations import Annotations
from mpn_ros.ros.outputs.depth_positions import MeasuredPositions
from mpn_ros.ros.outputs.detections import Detections
from mpn_ros.ros.outputs.hri import HriOutput, HriPublisher
from mpn_ros.ros.outputs.instance_mask import InstanceMask
from mpn_ros.ros.outputs.markers import Markers
from mpn_ros.ros.outputs.mask import Mask
from mpn_ros.ros.outputs.output import Output
from mpn_ros.ros.outputs.overlay import Overlay
from mpn_ros.ros.outputs.positions import EstimatedPositions, Positions, PositionsOnRays
from mpn_ros.ros.outputs.skeletons import Skeletons
from mpn_ros.ros.outputs.skeletons_3d import Skeletons3D
from mpn_ros.ros.outputs.spatial_output import SpatialOutput
from mpn_ros.ros.outputs.transforms import Transforms
from mpn_ros.serving.statistics import FrameStatistics


def make_outputs(
    topics: CameraTopics,
    calibration: Calibration,
    statistics: FrameStatistics,
    settings: Parameters,
    hri: HriPublisher | None,
    segments: bool,
) -> list[Output]:
    """The outputs of one camera, in the order in which they are published. Raises ParameterError where one needs what
    is not installed or does not work."""
    return [
        Detections(topics),
        Skeletons(topics),
        *([Mask(topics), InstanceMask(topics)] if segments else []),
        Overlay(topics),
        *_annotations(topics),
        _make_positions(topics, calibration, statistics, settings),
        *([HriOutput(topics.camera, hri)] if hri is not None else []),
    ]


def _annotations(topics: CameraTopics) -> list[Output]:
    """Where there is foxglove_msgs; nobody asked for it, so a broken one is no reason to do without the rest."""
    try:
        return [Annotations(topics)]
    except PackageError as error:
        if error.installed:
            topics.node.get_logger().warning(f"there is no topic '{topics.resolve('annotations')}': {error}")
        return []


def _make_positions(
    topics: CameraTopics, calibration: Calibration, statistics: FrameStatistics, settings: Parameters
) -> Positions:
    """The outputs in space, and what finds the people there."""
    outputs: list[SpatialOutput] = [Markers(topics)]
    if not settings.positions:
        return PositionsOnRays(calibration, statistics, outputs)
    outputs.insert(0, Skeletons3D(topics))
    if settings.publish_tf:
        outputs.append(Transforms(topics))
    if settings.depth_topic:
        return MeasuredPositions(topics, calibration, statistics, outputs, settings.depth_topic)
    return EstimatedPositions(calibration, statistics, outputs)
