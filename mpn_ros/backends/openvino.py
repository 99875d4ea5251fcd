"""The fast backend for CPUs: OpenVINO, in bfloat16 where the processor has it."""

from __future__ import annotations

import json
import logging
import time
import warnings
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mpn_ros import __version__
from mpn_ros.backends.base import MOST_SHAPES, Pixels
from mpn_ros.backends.cache import cached
from mpn_ros.backends.precision import DTYPES, say
from mpn_ros.errors import BackendUnavailable
from mpn_ros.inference_graph import AnySizeInferenceGraph, RawDetections
from mpn_ros.network.multiposenet import MultiPoseNet
from mpn_ros.weights import tensor_digest

_HINTS = {'fp16': 'f16', 'bf16': 'bf16', 'fp32': 'f32'}  # our names of precisions in OpenVINO's words
_EXAMPLE = torch.zeros(1, 128, 192, 3, dtype=torch.uint8)  # any; sides that differ, and no level of one cell
_log = logging.getLogger(__name__)


class OpenVinoBackend:
    """Converts the perception graph once, in some ten seconds, and keeps it for later starts; each input size is then
    compiled from it in less than one.

    Images of a batch run one after the other: on a CPU a batch is no faster, and each number of images would be a graph
    of its own.
    """

    max_batch_size = 1
    thread_affine = False
    gpu: torch.device | None = None

    def __init__(self, network: MultiPoseNet, device: str = 'auto', precision: str = 'auto'):
        if device not in ('auto', 'cpu'):
            raise BackendUnavailable(f"openvino runs on the CPU here, not on '{device}'")
        try:
            import openvino
        except ImportError as error:
            raise BackendUnavailable('openvino is not installed: pip install openvino') from error
        self._openvino = openvino
        self._core = openvino.Core()
        self._network = network.float().eval()
        self._key = (
            tensor_digest(self._network.state_dict()),
            json.dumps(network.preset.to_dict(), sort_keys=True),
            __version__,
            torch.__version__,
            openvino.__version__,
        )
        able = self._core.get_property('CPU', 'OPTIMIZATION_CAPABILITIES')
        if precision == 'auto':
            precision = 'bf16' if 'BF16' in able else 'fp32'
        elif precision.upper() not in able:
            raise BackendUnavailable(f'openvino has no {precision} on this processor, only {", ".join(able)}')
        self._hints = {'PERFORMANCE_HINT': 'LATENCY', 'INFERENCE_PRECISION_HINT': _HINTS[precision]}
        self.description = f'openvino {say(DTYPES[precision])} on cpu'
        self._compiled = lru_cache(MOST_SHAPES)(self._compile)

    @cached_property
    def _any_size(self) -> Any:
        """The graph for any size, from the cache where it is there."""

        def build(folder: Path) -> None:
            model = self._convert()
            try:
                self._openvino.save_model(model, folder / 'graph.xml', compress_to_fp16=False)
            except RuntimeError as error:
                raise OSError(f'{folder} cannot be written: {error}') from error

        folder = cached('openvino', self._key, build)
        if folder is not None:
            try:
                return self._core.read_model(folder / 'graph.xml')
            except RuntimeError as error:
                _log.warning('%s cannot be read and is not used: %s', folder, str(error).splitlines()[0])
        return self._convert()

    def _convert(self) -> Any:
        started = time.monotonic()
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter('ignore')  # of the tracer, about what is the same for all sizes
            graph = torch.jit.trace(
                AnySizeInferenceGraph(self._network).eval(), _EXAMPLE, check_trace=False, strict=False
            )
            model = self._openvino.convert_model(graph)
        _log.info('converted the network for openvino in %.0f s', time.monotonic() - started)
        return model

    def _compile(self, shape: tuple[int, ...]) -> Any:
        model = self._any_size.clone()
        model.reshape(shape)  # kernels for any size would take a fifth longer
        return self._core.compile_model(model, 'CPU', self._hints)

    def __call__(self, images: Pixels) -> RawDetections:
        compiled = self._compiled((1, *images.shape[1:]))
        answers = [compiled(image[None]) for image in np.asarray(images)]
        return RawDetections(*(np.concatenate([answer[index] for answer in answers]) for index in range(3)))
