"""The backend that has PyTorch write kernels for this network and this machine: torch.compile."""

from __future__ import annotations

import importlib.util
import logging
import os
import shutil
import time
import warnings
from typing import Any

import torch

from mpn_ros.backends.cache import set_inductor_cache_dir
from mpn_ros.backends.faults import device_lost, out_of_memory
from mpn_ros.backends.packing import Packed
from mpn_ros.backends.torch_backend import Graph, TorchBackend, inference_graph, prepare
from mpn_ros.errors import BackendUnavailable
from mpn_ros.network.multiposenet import MultiPoseNet

_WARM_UP = 3  # runs before a CUDA graph is recorded, as PyTorch asks for
_log = logging.getLogger(__name__)


class CompileBackend(TorchBackend):
    """Each shape is compiled when it first comes, up to a minute; later starts take most of it from the cache. On a GPU
    what was compiled is recorded as a CUDA graph."""

    name = 'compile'

    def __init__(self, network: MultiPoseNet, device: str = 'auto', precision: str = 'auto'):
        super().__init__(network, device, precision)
        _check_compilers(self.device)
        self.network = prepare(network, self.device, self.dtype)

    def _make(self, shape: tuple[int, ...]) -> Graph:
        started, size = time.monotonic(), 'x'.join(map(str, shape))
        images = torch.zeros(shape, dtype=torch.uint8, device=self.device)
        on_gpu = self.device.type == 'cuda'
        options: dict[str, Any] = {'freezing': True}
        if on_gpu:
            options |= {'max_autotune': True, 'coordinate_descent_tuning': True}
        _log.info('compiling the network at %s', size)
        set_inductor_cache_dir()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter('ignore')  # of torch about its own use of pytrees
                # Exported first: dynamo counts shapes of one module, and gives up at the ninth.
                program = torch.export.export(Packed(inference_graph(self.network, *shape[1:3])), (images,))
                compiled: Graph = torch.compile(program.module(), fullgraph=True, dynamic=False, options=options)
                graph = _Recorded(compiled, images) if on_gpu else compiled
                graph(images)
        except Exception as error:  # compilers fail in many ways
            if out_of_memory(error) or device_lost(error):
                raise
            reason = f'{type(error).__name__}: {error}'.splitlines()[0]
            raise BackendUnavailable(f'the network cannot be compiled at {size}: {reason}') from error
        _log.info('compiled the network at %s in %.0f s', size, time.monotonic() - started)
        return graph


class _Recorded:
    """A graph whose kernels are launched all at once. Of one answer the memory is used for the next. May be replayed
    from any thread, unlike what torch.compile itself records."""

    def __init__(self, graph: Graph, images: torch.Tensor):
        self._images = images.clone()
        side = torch.cuda.Stream(images.device)
        side.wait_stream(torch.cuda.current_stream(images.device))
        with torch.cuda.stream(side):
            for _ in range(_WARM_UP):
                graph(self._images)
        torch.cuda.current_stream(images.device).wait_stream(side)
        self._recording = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._recording):
            self._answer = graph(self._images)

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        self._images.copy_(images)
        self._recording.replay()
        return self._answer


def _check_compilers(device: torch.device) -> None:
    """Raises BackendUnavailable where what torch.compile needs is missing."""
    if device.type == 'cuda' and importlib.util.find_spec('triton') is None:
        raise BackendUnavailable('compile needs triton on a GPU: pip install triton')
    compiler = os.environ.get('CXX', 'g++')
    if shutil.which(compiler) is None:
        raise BackendUnavailable(f"compile needs a C++ compiler, and there is no '{compiler}': apt install g++")
