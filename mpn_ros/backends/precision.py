"""The numbers that a network computes with, by the names that users give them. Nothing here loads torch."""

from __future__ import annotations

from pathlib import Path

from mpn_ros.errors import ParameterError

DTYPES = {'fp16': 'float16', 'bf16': 'bfloat16', 'fp32': 'float32'}
"""The type of each precision, by the name that torch and descriptions have for it; the safest last."""
_BF16_INSTRUCTIONS = {'avx512_bf16', 'amx_bf16'}


def openvino_hints(precision: str) -> dict[str, str]:
    """What OpenVINO is told when it compiles a graph of one image at a time in that precision."""
    words = {'fp16': 'f16', 'bf16': 'bf16', 'fp32': 'f32'}
    return {'PERFORMANCE_HINT': 'LATENCY', 'INFERENCE_PRECISION_HINT': words[precision]}


def check_precision(name: str) -> None:
    """Raises ParameterError unless there is a precision of that name, or it is 'auto'."""
    if name != 'auto' and name not in DTYPES:
        raise ParameterError(f"precision must be auto, {', '.join(DTYPES)}, not '{name}'")


def resolve_precision(name: str, kind: str) -> str:
    """The type of that name; for 'auto' the fastest of that kind of device, 'cuda' or 'cpu': float16 on a GPU, bfloat16
    on a CPU with instructions for it (others emulate it), float32 elsewhere. Raises ParameterError for an unknown
    name."""
    check_precision(name)
    if name == 'auto':
        name = 'fp16' if kind == 'cuda' else 'bf16' if kind == 'cpu' and _cpu_has_bf16() else 'fp32'
    return DTYPES[name]


def _cpu_has_bf16() -> bool:
    try:
        return not _BF16_INSTRUCTIONS.isdisjoint(Path('/proc/cpuinfo').read_text().split())
    except OSError:
        return False
