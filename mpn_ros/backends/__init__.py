"""What runs the inference graph; one interface, ``Backend``, whatever is behind it.

A backend is loaded when it is asked for: OpenVINO with a graph that was kept needs no torch.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import partial
from pathlib import Path

from mpn_ros.backends.auto import AutoBackend
from mpn_ros.backends.base import Backend, NetworkSource
from mpn_ros.backends.precision import check_precision
from mpn_ros.errors import BackendUnavailable


def _tensorrt(source: NetworkSource, device: str, precision: str) -> Backend:
    from mpn_ros.backends.tensorrt import TensorRtBackend

    return TensorRtBackend(source.network(), device, precision)


def _compile(source: NetworkSource, device: str, precision: str) -> Backend:
    from mpn_ros.backends.compile import CompileBackend

    return CompileBackend(source.network(), device, precision)


def _openvino(source: NetworkSource, device: str, precision: str) -> Backend:
    from mpn_ros.backends.openvino import OpenVinoBackend

    return OpenVinoBackend(source, device, precision)


def _eager(source: NetworkSource, device: str, precision: str) -> Backend:
    from mpn_ros.backends.eager import EagerBackend

    return EagerBackend(source.network(), device, precision)


BACKENDS: dict[str, Callable[[NetworkSource, str, str], Backend]] = {
    'tensorrt': _tensorrt,
    'compile': _compile,
    'openvino': _openvino,
    'eager': _eager,
}
"""What makes each, by name."""
ORDER = {'cuda': ('tensorrt', 'compile', 'eager'), 'cpu': ('openvino', 'eager')}
"""What 'auto' tries on a kind of device, the faster ones first. On a CPU not 'compile': it is slower than OpenVINO and
starts in a minute where 'eager' starts at once."""


def make_backend(source: NetworkSource, name: str = 'auto', device: str = 'auto', precision: str = 'auto') -> Backend:
    """The backend of that name for a network.

    Args:
        source: Where it has the network from: ``Weights``.
        name: One of ``BACKENDS``, or 'auto': the first of the device's ``ORDER`` that works. The log says what kept
            those before it.
        device: 'cpu', 'cuda', 'cuda:1', or 'auto': a GPU where there is one.
        precision: 'fp32', 'bf16', 'fp16', or 'auto': the fastest that the device is good at.

    Returns:
        What takes images ``(B, H, W, 3)`` uint8 RGB and answers ``RawDetections``.

    Raises:
        ParameterError: The precision is unknown.
        WeightsError: The network is not its preset's.
        BackendUnavailable: The name is unknown, or the backend cannot run here, with the reason.

    Examples:
        >>> from mpn_ros.weights import load_weights, resolve_weights
        >>> backend = make_backend(load_weights(resolve_weights('lite')), 'eager', 'cpu', 'fp32')
        >>> backend.info.name, backend.info.dtype
        ('eager', 'float32')
    """
    check_precision(precision)
    if name != 'auto':
        if name not in BACKENDS:
            raise BackendUnavailable(f"no backend is called '{name}'; there are auto, {', '.join(BACKENDS)}")
        return BACKENDS[name](source, device, precision)
    kind = device.partition(':')[0] if device != 'auto' else 'cuda' if _has_gpu() else 'cpu'
    without = ['no GPU that PyTorch can use'] if device == 'auto' and kind == 'cpu' else []
    names = ORDER.get(kind, ('eager',))
    return AutoBackend([partial(BACKENDS[name], source, device, precision) for name in names], without)


def _has_gpu() -> bool:
    """Whether PyTorch finds a GPU. It is asked only where a driver of NVIDIA or AMD is there, since loading it takes
    seconds."""
    try:
        ctypes.CDLL('libcuda.so.1')  # without which no NVIDIA GPU is of use to anyone
    except OSError:
        if not Path('/dev/kfd').exists():
            return False
    import torch

    return torch.cuda.is_available()


__all__ = ['BACKENDS', 'ORDER', 'Backend', 'NetworkSource', 'make_backend']
