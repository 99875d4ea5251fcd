"""What runs the inference graph; one interface, ``Backend``, whatever is behind it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

from mpn_ros.backends.auto import AutoBackend
from mpn_ros.backends.base import Backend
from mpn_ros.backends.compile import CompileBackend
from mpn_ros.backends.eager import EagerBackend
from mpn_ros.backends.openvino import OpenVinoBackend
from mpn_ros.backends.precision import check_precision
from mpn_ros.backends.tensorrt import TensorRtBackend
from mpn_ros.errors import BackendUnavailable
from mpn_ros.network.multiposenet import MultiPoseNet

BACKENDS: dict[str, Callable[[MultiPoseNet, str, str], Backend]] = {
    'tensorrt': TensorRtBackend,
    'compile': CompileBackend,
    'openvino': OpenVinoBackend,
    'eager': EagerBackend,
}
"""By name."""
ORDER = {'cuda': ('tensorrt', 'compile', 'eager'), 'cpu': ('openvino', 'eager')}
"""What 'auto' tries on a kind of device, the faster ones first. On a CPU not 'compile': it is slower than OpenVINO and
starts in a minute where 'eager' starts at once."""


def make_backend(network: MultiPoseNet, name: str = 'auto', device: str = 'auto', precision: str = 'auto') -> Backend:
    """The backend of that name; 'auto' takes the first of the device's ``ORDER`` that works and says in the log what
    kept those before it.

    Raises ParameterError for an unknown precision, BackendUnavailable for an unknown name, or with the reason why a
    named one cannot run.
    """
    check_precision(precision)
    if name != 'auto':
        if name not in BACKENDS:
            raise BackendUnavailable(f"no backend is called '{name}'; there are auto, {', '.join(BACKENDS)}")
        return BACKENDS[name](network, device, precision)
    kind = device.partition(':')[0] if device != 'auto' else 'cuda' if torch.cuda.is_available() else 'cpu'
    without = ['no GPU that PyTorch can use'] if device == 'auto' and kind == 'cpu' else []
    names = ORDER.get(kind, ('eager',))
    return AutoBackend([partial(BACKENDS[name], network, device, precision) for name in names], without)


__all__ = ['BACKENDS', 'ORDER', 'Backend', 'make_backend']
