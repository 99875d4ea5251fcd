"""The light backbone of the `lite` preset: MobileNetV2 (Sandler et al., CVPR 2018) at width 1.75, without BatchNorm.

Its shape is that of the pose-trained backbone inside MoveNet MultiPose Lightning (Apache-2.0), whose weights start the
training of `lite`; BatchNorm is folded into the convolutions there, and so it is here.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from mpn_ros.network.depthwise import StridedDepthwise

# Expansion, output channels, repetitions, stride of the first: MobileNetV2's table at width 1.75.
_STAGES = ((1, 24, 1, 1), (6, 40, 2, 2), (6, 48, 3, 2), (6, 96, 4, 2), (6, 144, 3, 1), (6, 240, 3, 2), (6, 480, 1, 1))
_LAST_STRIDE = 5  # the stage whose first block goes from stride 16 to 32
_HEAD = 1280


class Convolution(nn.Module):
    """Convolution with TensorFlow's "same" padding for even sides (right and bottom only when striding), optional
    ReLU6. ``norm`` is a place for a BatchNorm between them, where a training puts it back."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        *,
        stride: int = 1,
        dilation: int = 1,
        groups: int = 1,
        relu: bool = True,
    ):
        super().__init__()
        padding = 0 if stride == 2 else dilation * (kernel // 2)
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, groups)
        self.norm: nn.Module = nn.Identity()
        self.pad = stride == 2
        self.relu = relu

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.pad:
            x = F.pad(x, (0, 1, 0, 1))
        x = self.norm(self._convolve(x))
        return F.relu6(x) if self.relu else x

    def _convolve(self, x: torch.Tensor) -> torch.Tensor:
        conv = self.conv
        if self.pad and conv.groups > 1 and x.device.type == 'cpu' and x.requires_grad and torch.is_grad_enabled():
            return StridedDepthwise.apply(x, conv.weight, conv.bias)  # type: ignore[no-untyped-call]
        return conv(x)


class InvertedResidual(nn.Module):
    """Expansion (but for factor 1), depthwise and projection, and the shortcut where the shapes allow it."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int, dilation: int):
        super().__init__()
        hidden = inputs * expansion
        expand = [Convolution(inputs, hidden, 1)] if expansion > 1 else []
        self.layers = nn.Sequential(
            *expand,
            Convolution(hidden, hidden, 3, stride=stride, dilation=dilation, groups=hidden),
            Convolution(hidden, outputs, 1, relu=False),
        )
        self.residual = inputs == outputs and stride == 1

    def convolutions(self) -> list[nn.Conv2d]:
        """Those of the block, first to last."""
        return [layer.conv for layer in self.layers if isinstance(layer, Convolution)]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.layers(x)
        return x + y if self.residual else y


class MobileNet(nn.Module):
    """Images ``(B, 3, H, W)``, sides multiples of 32, to ``(C2, C3, C4, C5)`` at strides 4, 8, 16, 32.

    C4 joins the outputs of both stride-16 stages (96 + 144 channels), C5 is the 1280-channel expansion behind the last
    stage: the places where the pose-trained pyramid reads, so that its weights can start ours.

    dilated: C5 keeps stride 16; behind the place of the stride the 3x3 convolutions widen instead (Table 2). The
    weights are those of the plain one.
    """

    channels = (40, 48, 96 + 144, _HEAD)

    def __init__(self, *, dilated: bool = False) -> None:
        super().__init__()
        self.strides = (4, 8, 16, 16 if dilated else 32)
        self.stem = Convolution(3, 48, 3, stride=2)
        stages, inputs = [], 48
        for number, (expansion, outputs, repetitions, stride) in enumerate(_STAGES):
            blocks = []
            first_stride = 1 if dilated and number == _LAST_STRIDE else stride
            for index in range(repetitions):
                behind = dilated and (number, index) > (_LAST_STRIDE, 0)
                block_stride = first_stride if index == 0 else 1
                blocks.append(InvertedResidual(inputs, outputs, expansion, block_stride, 2 if behind else 1))
                inputs = outputs
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)
        self.head = Convolution(inputs, _HEAD, 1)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        x = self.stages[0](self.stem(images))
        c2 = self.stages[1](x)
        c3 = self.stages[2](c2)
        c4 = self.stages[3](c3)
        c4_deep = self.stages[4](c4)
        c5 = self.head(self.stages[6](self.stages[5](c4_deep)))
        return c2, c3, torch.cat((c4, c4_deep), 1), c5
