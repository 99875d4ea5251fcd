"""Distillation: heatmaps and masks of a network that has learnt already, which looks at each patch several times."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from mpn_ros.network.layers import Normalise
from mpn_ros.network.multiposenet import MultiPoseNet


class Teacher(nn.Module):
    """Mean keypoint heatmaps and person masks of ``network`` over several sizes of a patch and their mirror images
    (section 4.2).

    They say of everybody what is seen, labelled or not, and of each cell how sure that is.
    """

    def __init__(self, network: MultiPoseNet) -> None:
        super().__init__()
        self.network = network.eval().requires_grad_(False)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's types lack it
        self.normalise = Normalise(network.preset.preprocessing)
        self._mirror = [*network.preset.layout.flip, network.preset.keypoints]

    @torch.no_grad()
    def forward(self, patches: Sequence[torch.Tensor], side: int) -> torch.Tensor:
        """Patches ``(B, S, S, 3)`` uint8 RGB of several sizes S to scores
        ``(B, K+1, side, side)``, the mask's last."""
        views = [self._look(images, side) for images in patches]
        return torch.stack(views).mean(0)

    def _look(self, images: torch.Tensor, side: int) -> torch.Tensor:
        pixels = self.normalise(images).contiguous(memory_format=torch.channels_last)
        mirrored = self._scores(pixels.flip(-1))[:, self._mirror].flip(-1)
        return F.interpolate(
            (self._scores(pixels) + mirrored) / 2, (side, side), mode='bicubic', align_corners=False
        ).clamp(0, 1)

    def _scores(self, pixels: torch.Tensor) -> torch.Tensor:
        heatmaps, _ = self.network.keypoints(self.network.backbone(pixels), supervise=False)
        return self.network.keypoint_head.scores(heatmaps.float())

    def train(self, mode: bool = True) -> Teacher:
        """A teacher does not learn."""
        return super().train(False)
