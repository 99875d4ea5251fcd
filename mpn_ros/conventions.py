"""What images and the network's input keep to everywhere."""

from __future__ import annotations

from typing import Literal

ChannelOrder = Literal['rgb', 'bgr']
"""The order of the channels of an image ``(H, W, 3)``."""

INPUT_MULTIPLE = 32
"""Width and height of the network's input are multiples of it, in pixels: the stride of C5."""

HEATMAP_STRIDE = 4
"""Pixels of the input to a cell of heatmaps and of the mask, in each direction."""
