"""Several processes that train one network, one a GPU, as ``torchrun`` starts them. Without it all of this is about one
process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

from mpn_ros.backends.torch_backend import check_device

_PATIENCE = timedelta(hours=2)  # the others wait while the first one validates


def _means_gpu(device: str) -> bool:
    return device == 'cuda' or (device == 'auto' and torch.cuda.is_available())


@contextmanager
def processes(device: str) -> Iterator[torch.device]:
    """Joins the processes that torchrun started, for as long as the context lasts; gives the device of this one, which
    for 'cuda' is a GPU of its own, as for 'auto' where there are some. Raises BackendUnavailable."""
    local = os.environ.get('LOCAL_RANK')
    own = check_device(f'cuda:{local}' if local is not None and _means_gpu(device) else device)
    if local is None:
        yield own
        return
    if own.type == 'cuda':
        torch.cuda.set_device(own)
    dist.init_process_group('nccl' if own.type == 'cuda' else 'gloo', timeout=_PATIENCE)
    try:
        yield own
    finally:
        dist.destroy_process_group()


def rank() -> int:
    """The number of this process; the first, 0, is the one that writes and tells."""
    return dist.get_rank() if dist.is_initialized() else 0


def count() -> int:
    """How many processes there are."""
    return dist.get_world_size() if dist.is_initialized() else 1


def mean(value: torch.Tensor) -> torch.Tensor:
    """The mean of ``value`` over the processes, without gradient."""
    if not dist.is_initialized():
        return value.detach()
    total = value.detach().clone().float()
    dist.all_reduce(total)
    return total / dist.get_world_size()


def total(value: torch.Tensor) -> torch.Tensor:
    """The sum of ``value`` over the processes, with its gradient."""
    return _Total.apply(value) if dist.is_initialized() else value  # type: ignore[no-untyped-call]


class _Total(torch.autograd.Function):
    """Each process's value counts in the results of all, so the gradient is a sum over the processes too."""

    @staticmethod
    def forward(ctx: Any, value: torch.Tensor) -> torch.Tensor:
        result = value.clone()
        dist.all_reduce(result)
        return result

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        return _Total.forward(ctx, gradient)


def from_first(value: float, device: torch.device) -> float:
    """The first process's ``value``, in all of them."""
    if not dist.is_initialized():
        return value
    shared = torch.tensor(value, dtype=torch.float64, device=device)
    dist.broadcast(shared, 0)
    return float(shared)
