"""Adam whose steps are relative to what they change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

_LEAST, _MOST = 1e-4, 1.0


def gains_of(network: nn.Module) -> dict[nn.Parameter, nn.Parameter]:
    """The gain of its BatchNorm for each gain and offset."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    return {value: norm.weight for norm in norms for value in (norm.weight, norm.bias)}


class RelativeAdamW(torch.optim.AdamW):
    """AdamW whose learning rate says by which part of its size a parameter moves.

    That of a weight is the root mean square of its row, that of a gain of BatchNorm and the offset beside it the gain
    itself, that of any other vector its root mean square. Where rows of a layer differ by a factor of a hundred, plain
    Adam either leaves the large ones alone or destroys the small ones (compare You et al., "Large Batch Optimization
    for Deep Learning", ICLR 2020, which does the same a layer at a time). ``gains`` are those of ``gains_of``.
    """

    def __init__(
        self, params: Iterable[Any], gains: Mapping[nn.Parameter, nn.Parameter], weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, weight_decay=weight_decay)
        self._gains = gains

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One step. ``closure`` as in torch."""
        moved = [value for group in self.param_groups for value in group['params'] if value.grad is not None]
        before = [value.clone() for value in moved]
        sizes = [_size(value, self._gains.get(value)) for value in moved]
        loss = super().step(closure)
        for value, old, size in zip(moved, before, sizes):
            value.copy_(torch.lerp(old, value, size))
        return loss


def _size(value: Tensor, gain: Tensor | None) -> Tensor:
    """What a whole step is for ``value``, to be broadcast over it."""
    if gain is not None:
        size = gain.abs()
    elif value.dim() > 1:
        size = value.square().mean(tuple(range(1, value.dim())), keepdim=True).sqrt()
    else:
        size = value.square().mean().sqrt().expand_as(value)
    return size.clamp(_LEAST, _MOST)
