"""The person detector's heads (section 3.3): RetinaNet's two subnets, shared by P3..P7, with one class."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from mpn_ros.network.anchors import PER_CELL
from mpn_ros.network.layers import conv3x3, init_normal_
from mpn_ros.presets import DetectorConfig

_PRIOR = 0.01  # RetinaNet section 4.1: every anchor starts with this probability, or the first losses explode


class DetectorSubnet(nn.Module):
    """``depth`` 3x3 convolutions with ReLU and a last one with ``outputs`` channels an anchor, the same on every level.

    With ``config.norm`` a BatchNorm stands behind each convolution, one for each level, since the levels' statistics
    differ.
    """

    def __init__(self, inputs: int, outputs: int, levels: int, config: DetectorConfig):
        super().__init__()
        widths = [inputs] + [config.width] * config.depth
        self.convs = nn.ModuleList(
            conv3x3(i, o, separable=config.separable, bias=not config.norm) for i, o in zip(widths, widths[1:])
        )
        self.norms = (
            nn.ModuleList(
                nn.ModuleList(nn.BatchNorm2d(config.width) for _ in range(levels)) for _ in range(config.depth)
            )
            if config.norm
            else None
        )
        self.output = conv3x3(config.width, PER_CELL * outputs, separable=config.separable)
        self.outputs = outputs

    @property
    def last(self) -> nn.Conv2d:
        """The convolution that the outputs come from."""
        return [module for module in self.output.modules() if isinstance(module, nn.Conv2d)][-1]

    def apply_calibration(self, scale: float, shift: float) -> None:
        """Makes every output y ``scale * y + shift``."""
        assert self.last.bias is not None
        with torch.no_grad():
            self.last.weight.mul_(scale)
            self.last.bias.mul_(scale).add_(shift)

    def forward(self, pyramid: Sequence[torch.Tensor]) -> torch.Tensor:
        """Maps of P3..P7 to ``(B, anchors, outputs)`` in the order of ``make_anchors``."""
        levels = []
        for index, x in enumerate(pyramid):
            for depth, conv in enumerate(self.convs):
                x = conv(x)
                if self.norms is not None:
                    x = self.norms[depth][index](x)  # type: ignore[index]  # torch knows not what a ModuleList holds
                x = F.relu(x)
            levels.append(self.output(x).permute(0, 2, 3, 1).flatten(1).unflatten(1, (-1, self.outputs)))
        return torch.cat(levels, 1)


class Detector(nn.Module):
    """P3..P7 to class logits ``(B, A)`` and box offsets ``(B, A, 4)``."""

    def __init__(self, inputs: int, levels: int, config: DetectorConfig):
        super().__init__()
        self.classification = DetectorSubnet(inputs, 1, levels, config)
        self.regression = DetectorSubnet(inputs, 4, levels, config)
        last = self.classification.last
        init_normal_(last.weight, 0.01)
        assert last.bias is not None
        nn.init.constant_(last.bias, -math.log((1 - _PRIOR) / _PRIOR))

    def forward(self, pyramid: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        return self.classification(pyramid)[..., 0], self.regression(pyramid)
