"""The fast backend for CPUs: OpenVINO, in bfloat16 where the processor has it."""

from __future__ import annotations

import logging
import time
import warnings
from pathlib import Path

import numpy as np
import torch

from mpn_ros import __version__
from mpn_ros.backends.cache import cached, weights_key
from mpn_ros.errors import BackendUnavailable
from mpn_ros.network.multiposenet import MultiPoseNet
from mpn_ros.perception import Perceived, Perception

_log = logging.getLogger(__name__)


class OpenVinoBackend:
    """Converts the perception graph once for each input shape, in some ten seconds, and keeps it for later starts."""

    def __init__(self, network: MultiPoseNet, device: str = 'auto'):
        if device not in ('auto', 'cpu'):
            raise BackendUnavailable(f"openvino runs on the CPU here, not on '{device}'")
        if device == 'auto' and torch.cuda.is_available():
            raise BackendUnavailable('openvino is for machines without a CUDA GPU')
        try:
            import openvino
        except ImportError as error:
            raise BackendUnavailable("openvino is not installed; install it with: pip install 'mpn_ros[openvino]'") from error
        self._openvino = openvino
        self._core = openvino.Core()
        self._network = network.float().eval()
        self._key = weights_key(network), __version__, torch.__version__, openvino.__version__
        bf16 = 'BF16' in self._core.get_property('CPU', 'OPTIMIZATION_CAPABILITIES')
        self.description = f"openvino {'bfloat16' if bf16 else 'float32'} on cpu"
        self._compiled: dict[tuple[int, ...], object] = {}

    def _convert(self, shape: tuple[int, ...]) -> object:
        started = time.monotonic()
        example = torch.zeros(shape, dtype=torch.uint8)
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter('ignore', FutureWarning)  # torch.export warns about its own use of pytrees
            program = torch.export.export(Perception(self._network, *shape[1:3]).eval(), (example,))
            model = self._openvino.convert_model(program)
        _log.info('converted the network for openvino at %s in %.0f s', 'x'.join(map(str, shape)), time.monotonic() - started)
        return model

    def _compile(self, shape: tuple[int, ...]) -> object:
        def build(folder: Path) -> None:
            self._openvino.save_model(self._convert(shape), folder / 'graph.xml', compress_to_fp16=False)
        folder = cached('openvino', (*self._key, shape), build)
        model = self._convert(shape) if folder is None else self._core.read_model(folder / 'graph.xml')
        return self._core.compile_model(model, 'CPU', {'PERFORMANCE_HINT': 'LATENCY'})

    def __call__(self, images: np.ndarray) -> Perceived[np.ndarray]:
        if images.shape not in self._compiled:
            self._compiled[images.shape] = self._compile(images.shape)
        results = self._compiled[images.shape](images)
        return Perceived(*(np.array(results[index]) for index in range(3)))
