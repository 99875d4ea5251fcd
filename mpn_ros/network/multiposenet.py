"""MultiPoseNet (Fig. 1) without its PRN: one backbone, two pyramids, keypoint subnet and person detector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import nn

from mpn_ros.network.detector import Detector
from mpn_ros.network.keypoint_head import AuxiliaryHeads, KeypointHead
from mpn_ros.network.mobilenet import MobileNet
from mpn_ros.network.pyramid import DetectorPyramid, FeaturePyramid
from mpn_ros.network.resnet import ResNet
from mpn_ros.presets import Preset


class NetworkOutput(NamedTuple):
    """What the network gives before any decoding.

    heatmaps: ``(B, K + 1, H/4, W/4)`` raw output of the keypoint head; the last channel is the person mask.
    intermediate: the same from K2..K5 at their own strides, in training mode; empty otherwise.
    class_logits: ``(B, A)``; box_offsets: ``(B, A, 4)``; the anchors are ``make_anchors(H, W,
    network.anchor_strides)``.
    """

    heatmaps: torch.Tensor
    intermediate: tuple[torch.Tensor, ...]
    class_logits: torch.Tensor
    box_offsets: torch.Tensor


def _backbone(name: str) -> MobileNet | ResNet:
    if name.startswith('mobilenet'):
        return MobileNet(dilated=name == 'mobilenet_dilated')
    return ResNet(name)


class MultiPoseNet(nn.Module):
    """Normalised images ``(B, 3, H, W)``, sides multiples of 32, to ``NetworkOutput``."""

    def __init__(self, preset: Preset):
        super().__init__()
        self.preset = preset
        self.backbone = _backbone(preset.backbone)
        channels = self.backbone.channels
        width = preset.keypoint_pyramid.width
        self.keypoint_pyramid = FeaturePyramid(channels, preset.keypoint_pyramid, smooth_coarsest=False)
        self.keypoint_head = KeypointHead(width, len(channels), preset.keypoints, preset.keypoint_head)
        self.intermediate = AuxiliaryHeads(width, len(channels), preset.keypoints, preset.keypoint_head.activation)
        self.detector_pyramid = DetectorPyramid(channels[1:], preset.detector_pyramid)
        self.detector = Detector(preset.detector_pyramid.width, len(self.anchor_strides), preset.detector)

    @property
    def anchor_strides(self) -> tuple[int, ...]:
        """Pixels between the anchors of P3..P7."""
        c3, c4, c5 = self.backbone.strides[1:]
        return c3, c4, c5, 2 * c5, 4 * c5

    def keypoints(
        self, features: Sequence[torch.Tensor], *, supervise: bool
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """The keypoint subnet alone: C2..C5 to ``heatmaps`` and, to ``supervise`` them, ``intermediate``."""
        maps = self.keypoint_pyramid(features)
        return self.keypoint_head(maps), tuple(self.intermediate(maps)) if supervise else ()

    def boxes(self, features: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """The person detector alone: C2..C5 to ``class_logits`` and ``box_offsets``."""
        return self.detector(self.detector_pyramid(features[1:]))

    def forward(self, images: torch.Tensor) -> NetworkOutput:
        features = self.backbone(images)
        return NetworkOutput(*self.keypoints(features, supervise=self.training), *self.boxes(features))
