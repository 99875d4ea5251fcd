"""The library's pipeline as the node's parameters want it. What loads torch is imported when it is needed: a node that
waits for its configuration is light, and it answers signals meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mpn_ros.messages import check_layout
from mpn_ros.parameters import Parameters

if TYPE_CHECKING:
    from mpn_ros.pipeline.pipeline import PosePipeline, Thresholds


def load_pipeline(parameters: Parameters) -> PosePipeline:
    """Loads weights and backend. Raises MpnError, also for weights of keypoints that the messages have no place for."""
    from mpn_ros.families.network import open_weights
    from mpn_ros.pipeline.pipeline import PosePipeline

    weights = open_weights(parameters.weights)
    check_layout(weights.preset.layout, weights.source)
    return PosePipeline(
        weights,
        input_size=parameters.input_size or None,
        backend=parameters.backend,
        device=parameters.device,
        precision=parameters.precision,
        grouper=parameters.grouper,
    )


def apply_settings(pipeline: PosePipeline, parameters: Parameters) -> None:
    """Has the pipeline take over the live parameters with its next image."""
    pipeline.thresholds = thresholds(parameters)
    pipeline.refine = pipeline.default_refine if parameters.refine < 0 else parameters.refine


def thresholds(parameters: Parameters) -> Thresholds:
    """What counts, by the live parameters."""
    from mpn_ros.pipeline.pipeline import Thresholds

    return Thresholds(
        score_threshold=parameters.person_threshold,
        keypoint_threshold=parameters.keypoint_threshold,
        nms_iou=parameters.nms_threshold or None,
        mask_threshold=parameters.mask_threshold,
        max_people=parameters.max_people,
    )


def pipeline_info(pipeline: PosePipeline) -> dict[str, str]:
    """What diagnostics and the log say of a pipeline."""
    info = {
        'weights': Path(pipeline.weights.source).name,
        'backend': str(pipeline.backend.info),
        'input size (px)': str(pipeline.input_size),
    }
    if not pipeline.segments:
        info |= {'network': str(pipeline.weights), 'mask': 'none: the network does not segment'}
    return info
