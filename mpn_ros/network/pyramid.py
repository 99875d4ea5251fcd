"""Feature pyramids (section 3.1; Lin et al., CVPR 2017): K2..K5 for keypoints, P3..P5 and above for the detector."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from mpn_ros.network.layers import conv3x3, resize_to
from mpn_ros.presets import PyramidConfig


class FeaturePyramid(nn.Module):
    """Backbone features, finest first, to as many maps of ``config.width`` channels at the same strides.

    ``channels`` are those of the features. ``smooth_coarsest`` False leaves the coarsest level without its 3x3
    smoothing.
    """

    def __init__(self, channels: Sequence[int], config: PyramidConfig, *, smooth_coarsest: bool):
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(c, config.width, 1) for c in channels)
        smoothed = len(channels) if smooth_coarsest else len(channels) - 1
        self.smooth = nn.ModuleList(
            conv3x3(config.width, config.width, separable=config.separable) for _ in range(smoothed)
        )
        self.config = config

    def _smooth(self, level: int, merged: torch.Tensor) -> torch.Tensor:
        if level >= len(self.smooth):
            return merged
        smoothed = self.smooth[level](merged)
        return F.relu(smoothed) if self.config.separable else smoothed

    def forward(self, features: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        coarsest = len(features) - 1
        down = self.lateral[coarsest](features[coarsest])
        levels = [self._smooth(coarsest, down)]
        for level in reversed(range(coarsest)):
            merged = self.lateral[level](features[level])
            merged = merged + resize_to(down, merged, self.config.upsampling)
            levels.append(self._smooth(level, merged))
            down = levels[-1] if self.config.top_down == 'smoothed' else merged
        return levels[::-1]


class DetectorPyramid(nn.Module):
    """C3..C5 to P3..P7 (Lin et al., ICCV 2017): P6 by a strided 3x3 on C5, P7 by a strided 3x3 on ReLU(P6)."""

    def __init__(self, channels: Sequence[int], config: PyramidConfig):
        super().__init__()
        self.pyramid = FeaturePyramid(channels, config, smooth_coarsest=True)
        self.p6 = conv3x3(channels[-1], config.width, separable=config.separable, stride=2)
        self.p7 = conv3x3(config.width, config.width, separable=config.separable, stride=2)

    def forward(self, features: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        p6 = self.p6(features[-1])
        return [*self.pyramid(features), p6, self.p7(F.relu(p6))]
