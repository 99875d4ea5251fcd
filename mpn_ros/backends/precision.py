"""The numbers that a network computes with, by the names that users give them."""

from __future__ import annotations

from pathlib import Path

import torch

from mpn_ros.errors import ParameterError

DTYPES = {'fp16': torch.float16, 'bf16': torch.bfloat16, 'fp32': torch.float32}
_BF16_INSTRUCTIONS = {'avx512_bf16', 'amx_bf16'}


def check_precision(name: str) -> None:
    """Raises ParameterError unless there is a precision of that name, or it is 'auto'."""
    if name != 'auto' and name not in DTYPES:
        raise ParameterError(f"precision must be auto, {', '.join(DTYPES)}, not '{name}'")


def resolve_precision(name: str, device: torch.device) -> torch.dtype:
    """The type of that name; for 'auto' the fastest of the device: float16 on a GPU, bfloat16 on a CPU with
    instructions for it (others emulate it), float32 elsewhere. Raises ParameterError for an unknown name."""
    check_precision(name)
    if name != 'auto':
        return DTYPES[name]
    if device.type == 'cuda':
        return torch.float16
    return torch.bfloat16 if device.type == 'cpu' and _cpu_has_bf16() else torch.float32


def say(dtype: torch.dtype) -> str:
    """The type as in descriptions: 'float16', 'bfloat16', 'float32'."""
    return str(dtype).removeprefix('torch.')


def _cpu_has_bf16() -> bool:
    try:
        return not _BF16_INSTRUCTIONS.isdisjoint(Path('/proc/cpuinfo').read_text().split())
    except OSError:
        return False
