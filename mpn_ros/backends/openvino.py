"""The fast backend for CPUs: OpenVINO, in bfloat16 where the processor has it."""

from __future__ import annotations

import numpy as np
import torch

from mpn_ros.errors import BackendUnavailable
from mpn_ros.network.multiposenet import MultiPoseNet
from mpn_ros.perception import Perceived, Perception


class OpenVinoBackend:
    """Compiles the perception graph once for each input shape, in about a second."""

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
        self.network = network.eval()
        bf16 = 'BF16' in self._core.get_property('CPU', 'OPTIMIZATION_CAPABILITIES')
        self.description = f"openvino {'bfloat16' if bf16 else 'float32'} on cpu"
        self._compiled: dict[tuple[int, ...], object] = {}

    def _compile(self, shape: tuple[int, ...]) -> object:
        example = torch.zeros(shape, dtype=torch.uint8)
        with torch.no_grad():
            program = torch.export.export(Perception(self.network, *shape[1:3]).eval(), (example,))
            model = self._openvino.convert_model(program)
        return self._core.compile_model(model, 'CPU', {'PERFORMANCE_HINT': 'LATENCY'})

    def __call__(self, images: np.ndarray) -> Perceived[np.ndarray]:
        if images.shape not in self._compiled:
            self._compiled[images.shape] = self._compile(images.shape)
        results = self._compiled[images.shape](images)
        return Perceived(*(np.array(results[index]) for index in range(3)))
