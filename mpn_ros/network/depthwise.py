"""A depthwise 3x3 convolution with stride 2 whose gradient is quick on a CPU."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.grad import conv2d_weight


class StridedDepthwise(torch.autograd.Function):
    """``F.conv2d(x, weight, bias, stride=2, groups=C)`` for ``x`` ``(B, C, H + 1, W + 1)``, H and W even, and
    ``weight`` ``(C, 1, 3, 3)``, with the same gradients.

    Of a step of `lite` in bfloat16 on a CPU a quarter was the gradient of the input of four such layers, which has no
    kernel of its own. Spread over zeros, the gradient that comes in asks for a convolution with stride 1 instead, which
    has: half the time.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return F.conv2d(x, weight, bias, stride=2, groups=len(weight))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        of_x = of_weight = None
        if ctx.needs_input_grad[0]:
            spread = torch.zeros_like(x, dtype=gradient.dtype)
            spread[..., 1::2, 1::2] = gradient
            flipped = weight.flip(-1, -2).to(gradient.dtype)
            of_x = F.conv2d(spread, flipped, padding=1, groups=len(weight)).to(x.dtype)
        if ctx.needs_input_grad[1]:
            of_weight = conv2d_weight(x.to(gradient.dtype), weight.shape, gradient, stride=2, groups=len(weight)).to(
                weight.dtype
            )
        return of_x, of_weight, gradient.float().sum((0, 2, 3)) if ctx.needs_input_grad[2] else None
