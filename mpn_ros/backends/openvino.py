"""The fast backend for CPUs: OpenVINO, in bfloat16 where the processor has it. With a graph that was kept it runs
without torch, which takes seconds to load."""

from __future__ import annotations

import json
import logging
import threading
import time
import warnings
from collections.abc import Callable
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from mpn_ros import __version__
from mpn_ros.backends.base import MOST_SHAPES, BackendInfo, NetworkSource, Pixels
from mpn_ros.backends.cache import get_or_build
from mpn_ros.backends.precision import DTYPES, openvino_hints
from mpn_ros.errors import BackendUnavailable
from mpn_ros.memory import return_freed_memory
from mpn_ros.raw_detections import RawDetections

_EXAMPLE = 1, 128, 192, 3  # any; sides that differ, and no level of one cell
_log = logging.getLogger(__name__)


class _Once:
    """What ``make`` gives, made by the thread that asks first; others that ask meanwhile wait for it."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make, self._made, self._lock = make, None, threading.Lock()

    def get(self) -> Any:
        """What was made. Raises what ``make`` raises, and tries again at the next call."""
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made


class OpenVinoBackend:
    """Converts the inference graph once, in some ten seconds, and keeps it for later starts; each input size is then
    compiled from it in less than one.

    Images of a batch run one after the other: on a CPU a batch is no faster, and each number of images would be a graph
    of its own. Calls take turns at the processor too, but none waits until another's shape is compiled.
    """

    def __init__(self, source: NetworkSource, device: str = 'auto', precision: str = 'auto'):
        if device not in ('auto', 'cpu'):
            raise BackendUnavailable(f"openvino runs on the CPU here, not on '{device}'")
        try:
            import openvino
        except ImportError as error:
            raise BackendUnavailable('openvino is not installed: pip install openvino') from error
        self._openvino = openvino
        self._core = openvino.Core()
        able = self._core.get_property('CPU', 'OPTIMIZATION_CAPABILITIES')
        if precision == 'auto':
            precision = 'bf16' if 'BF16' in able else 'fp32'
        elif precision.upper() not in able:
            raise BackendUnavailable(f'openvino has no {precision} on this processor, only {", ".join(able)}')
        self._hints = openvino_hints(precision)
        self.info = BackendInfo('openvino', DTYPES[precision], concurrent=True)
        self._any_size, self._cloning = self._find_graph(source), threading.Lock()
        self._turn = threading.Lock()  # two at once would take each other's cores, and memory for two
        self._graphs = lru_cache(MOST_SHAPES)(lambda shape: _Once(lambda: self._compile(shape)))

    def _find_graph(self, source: NetworkSource) -> Any:
        """The graph for any size, from the cache where it is there."""
        key = (
            source.network_digest(),
            json.dumps(source.preset.to_dict(), sort_keys=True),
            __version__,
            version('torch'),
            self._openvino.__version__,
        )

        def build(folder: Path) -> None:
            model = self._convert(source)
            try:
                self._openvino.save_model(model, folder / 'graph.xml', compress_to_fp16=False)
            except RuntimeError as error:
                raise OSError(f'{folder} cannot be written: {error}') from error

        folder = get_or_build('openvino', key, build)
        if folder is not None:
            try:
                return self._core.read_model(folder / 'graph.xml')
            except RuntimeError as error:
                _log.warning('%s cannot be read and is not used: %s', folder, str(error).splitlines()[0])
        return self._convert(source)

    def _convert(self, source: NetworkSource) -> Any:
        import torch

        from mpn_ros.inference_graph import AnySizeInferenceGraph

        network, started = source.network().float().eval(), time.monotonic()
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter('ignore')  # of the tracer, about what is the same for all sizes
            example = torch.zeros(_EXAMPLE, dtype=torch.uint8)
            graph = torch.jit.trace(AnySizeInferenceGraph(network).eval(), example, check_trace=False, strict=False)
            model = self._openvino.convert_model(graph)
        _log.info('converted the network for openvino in %.0f s', time.monotonic() - started)
        return model

    def _compile(self, shape: tuple[int, ...]) -> Any:
        with self._cloning:
            model = self._any_size.clone()
        model.reshape(shape)  # kernels for any size would take a fifth longer
        compiled = self._core.compile_model(model, 'CPU', self._hints)
        del model
        return_freed_memory()
        return compiled

    def __call__(self, images: Pixels) -> RawDetections:
        compiled = self._graphs((1, *images.shape[1:])).get()
        with self._turn:
            answers = [compiled(image[None]) for image in np.asarray(images)]
        return RawDetections(*(np.concatenate([answer[index] for answer in answers]) for index in range(3)))
