"""Anchors of the person detector and the coding of boxes against them (section 3.3; RetinaNet)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

RATIOS = (0.5, 1.0, 2.0)
"""Height over width."""
SCALES = (1.0, 2 ** (1 / 3), 2 ** (2 / 3))
SIZES = (32, 64, 128, 256, 512)
"""Anchor side in pixels on P3..P7, before scale and ratio."""
PER_CELL = len(RATIOS) * len(SCALES)
BOX_STD = (0.1, 0.1, 0.2, 0.2)
"""Divisors of the four box offsets (dx, dy, dw, dh)."""
_MAX_LOG_SIZE = math.log(1000 / 16)  # a box at most 62 times its anchor: exp stays finite


def make_anchors(height: int, width: int, strides: Sequence[int] = (8, 16, 32, 64, 128)) -> torch.Tensor:
    """``(A, 4)`` float32 x0, y0, x1, y1 for an input of that size: levels, then rows, columns, ratios, scales."""
    levels = []
    for stride, size in zip(strides, SIZES):
        half = (
            torch.tensor(
                [
                    (size * scale / math.sqrt(ratio), size * scale * math.sqrt(ratio))
                    for ratio in RATIOS
                    for scale in SCALES
                ]
            )
            / 2
        )
        # Rounded up without ``math``, which would make a constant of a size that is traced.
        y = (torch.arange((height + stride - 1) // stride) + 0.5) * stride
        x = (torch.arange((width + stride - 1) // stride) + 0.5) * stride
        centre = torch.stack(torch.meshgrid(y, x, indexing='ij')[::-1], -1).reshape(-1, 1, 2)
        levels.append(torch.cat((centre - half, centre + half), -1).reshape(-1, 4))
    return torch.cat(levels)


def encode_boxes(boxes: torch.Tensor, anchors: torch.Tensor) -> torch.Tensor:
    """Boxes ``(..., 4)`` as offsets from anchors ``(..., 4)``: the regression targets."""
    size = anchors[..., 2:] - anchors[..., :2]
    shift = ((boxes[..., :2] + boxes[..., 2:]) - (anchors[..., :2] + anchors[..., 2:])) / 2 / size
    return torch.cat((shift, torch.log((boxes[..., 2:] - boxes[..., :2]) / size)), -1) / shift.new_tensor(BOX_STD)


def decode_boxes(offsets: torch.Tensor, anchors: torch.Tensor) -> torch.Tensor:
    """The inverse of ``encode_boxes``."""
    offsets = offsets * offsets.new_tensor(BOX_STD)
    size = anchors[..., 2:] - anchors[..., :2]
    centre = (anchors[..., :2] + anchors[..., 2:]) / 2 + offsets[..., :2] * size
    half = size * torch.exp(offsets[..., 2:].clamp(max=_MAX_LOG_SIZE)) / 2
    return torch.cat((centre - half, centre + half), -1)


def box_iou(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Intersection over union of ``(N, 4)`` and ``(M, 4)`` boxes: ``(N, M)``."""
    overlap = (
        (torch.minimum(a[:, None, 2:], b[None, :, 2:]) - torch.maximum(a[:, None, :2], b[None, :, :2]))
        .clamp(min=0)
        .prod(-1)
    )
    area_a, area_b = ((box[:, 2:] - box[:, :2]).prod(-1) for box in (a, b))
    return overlap / (area_a[:, None] + area_b[None] - overlap).clamp(min=1e-6)
