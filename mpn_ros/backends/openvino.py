"""The fast backend for CPUs: OpenVINO, in bfloat16 where the processor has it."""

from __future__ import annotations

import logging
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mpn_ros import __version__
from mpn_ros.backends.base import MOST_SHAPES, Pixels
from mpn_ros.backends.cache import cached, keep_kernels_private
from mpn_ros.backends.precision import DTYPES, say
from mpn_ros.errors import BackendUnavailable
from mpn_ros.network.multiposenet import MultiPoseNet
from mpn_ros.perception import Perceived, Perception
from mpn_ros.weights import tensor_digest

_HINTS = {'fp16': 'f16', 'bf16': 'bf16', 'fp32': 'f32'}  # our names of precisions in OpenVINO's words
_log = logging.getLogger(__name__)


class OpenVinoBackend:
    """Converts the perception graph once for each input size, in some ten seconds, and keeps it for later starts.

    Images of a batch run one after the other: on a CPU a batch is no faster, and each number of images would be a graph
    of its own.
    """

    largest_batch = 1
    one_thread = False
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
        self._key = tensor_digest(self._network.state_dict()), __version__, torch.__version__, openvino.__version__
        able = self._core.get_property('CPU', 'OPTIMIZATION_CAPABILITIES')
        if precision == 'auto':
            precision = 'bf16' if 'BF16' in able else 'fp32'
        elif precision.upper() not in able:
            raise BackendUnavailable(f'openvino has no {precision} on this processor, only {", ".join(able)}')
        self._hints = {'PERFORMANCE_HINT': 'LATENCY', 'INFERENCE_PRECISION_HINT': _HINTS[precision]}
        self.description = f'openvino {say(DTYPES[precision])} on cpu'
        self._compiled: dict[tuple[int, ...], Any] = {}

    def _convert(self, shape: tuple[int, ...]) -> Any:
        started = time.monotonic()
        example = torch.zeros(shape, dtype=torch.uint8)
        keep_kernels_private()
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter('ignore', FutureWarning)  # torch.export warns about its own use of pytrees
            program = torch.export.export(Perception(self._network, *shape[1:3]).eval(), (example,))
            model = self._openvino.convert_model(program)
        _log.info(
            'converted the network for openvino at %s in %.0f s', 'x'.join(map(str, shape)), time.monotonic() - started
        )
        return model

    def _compile(self, shape: tuple[int, ...]) -> Any:
        def build(folder: Path) -> None:
            model = self._convert(shape)
            try:
                self._openvino.save_model(model, folder / 'graph.xml', compress_to_fp16=False)
            except RuntimeError as error:
                raise OSError(f'{folder} cannot be written: {error}') from error

        folder = cached('openvino', (*self._key, shape), build)
        try:
            model = self._convert(shape) if folder is None else self._core.read_model(folder / 'graph.xml')
        except RuntimeError as error:
            _log.warning('%s cannot be read and is not used: %s', folder, str(error).splitlines()[0])
            model = self._convert(shape)
        model.reshape(shape)  # the conversion forgets it, and kernels for any size take a fifth longer
        return self._core.compile_model(model, 'CPU', self._hints)

    def __call__(self, images: Pixels) -> Perceived:
        shape = (1, *images.shape[1:])
        if shape not in self._compiled:
            if len(self._compiled) >= MOST_SHAPES:
                self._compiled.pop(next(iter(self._compiled)))
            self._compiled[shape] = self._compile(shape)
        compiled = self._compiled[shape]
        answers = [compiled(image[None]) for image in np.asarray(images)]
        return Perceived(*(np.concatenate([answer[index] for answer in answers]) for index in range(3)))
