"""The qualities of service of the node's topics."""

from __future__ import annotations

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy


def _profile(
    depth: int, reliability: ReliabilityPolicy, durability: DurabilityPolicy = DurabilityPolicy.VOLATILE
) -> QoSProfile:
    return QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=depth, reliability=reliability, durability=durability)


IMAGE_QOS = _profile(1, ReliabilityPolicy.BEST_EFFORT)
"""As SensorDataQoS, which matches every publisher, but of depth 1: what waits is old."""
DEPTH_QOS = _profile(5, ReliabilityPolicy.BEST_EFFORT)
"""As SensorDataQoS: any of the newest may be the one that belongs to the image at hand."""
RESULT_QOS = _profile(5, ReliabilityPolicy.RELIABLE)
TF_QOS = _profile(100, ReliabilityPolicy.RELIABLE)
"""As tf2's own broadcaster."""
LATCHED_QOS = _profile(1, ReliabilityPolicy.RELIABLE, DurabilityPolicy.TRANSIENT_LOCAL)
