"""The keypoint estimation subnet (section 3.2, Fig. 3): K2..K5 to D2..D5, concatenated, to K + 1 heatmaps at stride
4."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from mpn_ros.network.layers import concat_conv, conv3x3, init_normal_, resize_to
from mpn_ros.presets import KeypointHeadConfig


def heatmap_output(inputs: int, keypoints: int, activation: str) -> nn.Conv2d:
    """The 1x1 convolution to K + 1 heatmaps. It starts near "nobody anywhere": nearly all of every heatmap is
    background."""
    output = nn.Conv2d(inputs, keypoints + 1, 1)
    init_normal_(output.weight, 0.001)
    assert output.bias is not None
    nn.init.constant_(output.bias, -4.6 if activation == 'sigmoid' else 0.0)  # sigmoid(-4.6) = 0.01
    return output


class KeypointHead(nn.Module):
    """Pyramid maps ``(B, width, h, w)``, finest first, to ``(B, keypoints + 1, H/4, W/4)``; the last channel is the
    person mask."""

    def __init__(self, width: int, levels: int, keypoints: int, config: KeypointHeadConfig):
        super().__init__()
        self.config = config
        used = levels if config.concatenate else 1
        self.down = nn.ModuleList(self._two_convolutions(width) for _ in range(used))
        self.fusion = conv3x3(used * config.width, config.fusion, separable=config.separable)
        self.heatmaps = heatmap_output(config.fusion, keypoints, config.activation)

    def _two_convolutions(self, width: int) -> nn.Sequential:
        separable, d = self.config.separable, self.config.width
        activation = nn.ReLU if self.config.relu else nn.Identity
        return nn.Sequential(
            conv3x3(width, d, separable=separable), activation(), conv3x3(d, d, separable=separable), activation()
        )

    def forward(self, pyramid: Sequence[torch.Tensor]) -> torch.Tensor:
        d2, *coarser = (down(level) for down, level in zip(self.down, pyramid))
        levels = [d2, *(resize_to(d, d2) for d in coarser)]
        return self.heatmaps(F.relu(concat_conv(self.fusion, levels)))

    def scores(self, heatmaps: torch.Tensor) -> torch.Tensor:
        """The head's output as scores from 0. A linear output may overshoot 1: clipped here, its peaks would become
        plateaus."""
        return heatmaps.sigmoid() if self.config.activation == 'sigmoid' else heatmaps.clamp(min=0)


class AuxiliaryHeads(nn.Module):
    """Intermediate supervision (section 3.2): heatmaps straight from each K level by a 1x1 convolution; used in
    training only."""

    def __init__(self, width: int, levels: int, keypoints: int, activation: str):
        super().__init__()
        self.heatmaps = nn.ModuleList(heatmap_output(width, keypoints, activation) for _ in range(levels))

    def forward(self, pyramid: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        return [head(level) for head, level in zip(self.heatmaps, pyramid)]
