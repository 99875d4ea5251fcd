"""ResNet-50 and ResNet-101, the backbones of the paper (section 3.1): an image goes in, C2..C5 come out."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor, nn

from mpn_ros.errors import PresetError
from mpn_ros.network.layers import init_normal_

# Bottlenecks in each stage, and whether the last stage is dilated.
_LAYOUTS = {
    'resnet50': ((3, 4, 6, 3), False),
    'resnet101': ((3, 4, 23, 3), False),
    'resnet101_dilated': ((3, 4, 23, 3), True),
}


class Bottleneck(nn.Module):
    """1x1 to ``width``, 3x3, 1x1 to ``4 * width`` channels around a shortcut; the stride is on the 3x3 convolution."""

    expansion = 4

    def __init__(self, channels: int, width: int, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        out = width * self.expansion
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=dilation, dilation=dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or channels != out:
            self.downsample = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x: Tensor) -> Tensor:
        """``(B, channels, H, W)`` to ``(B, 4 * width, H / stride, W / stride)``."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        return self.relu(self.bn3(self.conv3(x)) + shortcut)


class ResNet(nn.Module):
    """A ResNet without its classifier. Keys are torchvision's, so that its state dicts load as they are.

    name: 'resnet50', 'resnet101' or 'resnet101_dilated'. The last stage of the dilated one keeps stride 16 and widens
    its 3x3 convolutions instead (Table 2); its weights are those of the plain one. Raises PresetError for another name.
    """

    channels = (256, 512, 1024, 2048)
    """Channels of C2..C5."""

    def __init__(self, name: str) -> None:
        super().__init__()
        if name not in _LAYOUTS:
            raise PresetError(f"no backbone is called '{name}'; there are mobilenet, {', '.join(_LAYOUTS)}")
        blocks, dilated = _LAYOUTS[name]
        self.strides = (4, 8, 16, 16 if dilated else 32)
        self.conv1 = nn.Conv2d(3, 64, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, padding=1)
        self.layer1 = _stage(64, 64, blocks[0], stride=1)
        self.layer2 = _stage(256, 128, blocks[1], stride=2)
        self.layer3 = _stage(512, 256, blocks[2], stride=2)
        self.layer4 = _stage(1024, 512, blocks[3], stride=1 if dilated else 2, dilation=2 if dilated else 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                init_normal_(module.weight, math.sqrt(2 / (module.out_channels * math.prod(module.kernel_size))))
        self.register_load_state_dict_pre_hook(_drop_classifier)  # type: ignore[no-untyped-call]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Normalised image ``(B, 3, H, W)``, sides multiples of 32, to C2..C5, each ``(B, channels[i], H / strides[i],
        W / strides[i])``."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        c2 = self.layer1(x)
        c3 = self.layer2(c2)
        c4 = self.layer3(c3)
        return c2, c3, c4, self.layer4(c4)


def _stage(channels: int, width: int, blocks: int, stride: int, dilation: int = 1) -> nn.Sequential:
    """A stage of bottlenecks. Where dilation stands in for a stride, the first 3x3 still sees undilated features, as
    the strided one did; only those behind it widen."""
    out = width * Bottleneck.expansion
    rest = (Bottleneck(out, width, dilation=dilation) for _ in range(blocks - 1))
    return nn.Sequential(Bottleneck(channels, width, stride), *rest)


def _drop_classifier(module: nn.Module, state: dict[str, Any], prefix: str, *_: object) -> None:
    """ImageNet checkpoints carry a classifier that a backbone has no place for."""
    for name in ('fc.weight', 'fc.bias'):
        state.pop(prefix + name, None)
