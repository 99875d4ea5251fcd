"""What the device could do at best: a matrix product and a copy, measured."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

_REPEATS = 10


@dataclass(frozen=True)
class Device:
    """What a matrix product and a copy reach: ``operations`` a second, twice the multiply-adds, and ``bytes`` read and
    written a second."""

    operations: float
    bytes: float

    def floor(self, multiply_adds: int, weights: int) -> float:
        """Seconds below which no network of that many ``multiply_adds`` and bytes of ``weights`` runs here."""
        return max(2 * multiply_adds / self.operations, weights / self.bytes)


def measure(device: torch.device, dtype: torch.dtype) -> Device:
    """The best of several matrix products and copies, in the type that the network computes in."""
    size = 2048 if device.type == 'cpu' else 8192
    a, b = torch.randn(2, size, size, device=device).to(dtype)
    source = torch.randn(size * size * 8, device=device)
    target = torch.empty_like(source)
    with torch.inference_mode():
        product = _least(lambda: torch.mm(a, b), device)
        copy = _least(lambda: target.copy_(source), device)
    return Device(2 * size**3 / product, 2 * source.nbytes / copy)


def _least(call: Callable[[], object], device: torch.device) -> float:
    def seconds() -> float:
        start = time.perf_counter()
        call()
        if device.type == 'cuda':
            torch.cuda.synchronize(device)
        return time.perf_counter() - start

    seconds()
    return min(seconds() for _ in range(_REPEATS))
