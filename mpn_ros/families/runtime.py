"""What runs a network's file: OpenVINO on a CPU, onnxruntime wherever it can."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from mpn_ros.backends.base import BackendInfo
from mpn_ros.backends.precision import DTYPES, openvino_hints
from mpn_ros.errors import BackendUnavailable, WeightsError
from mpn_ros.families.network_file import NetworkFile, last_line, read_openvino

Shape = tuple[int, ...]
PRECISIONS = tuple(DTYPES)
"""By the names that users give them, the safest last."""

Run = Callable[[np.ndarray], Sequence[np.ndarray]]
"""From the network's input to its outputs, in the file's order."""
_ON_A_GPU = 8  # images at once


class Runtime(Protocol):
    """Makes what runs a file at one shape of its input. ``precisions`` are those to try, the wanted one first;
    ``key`` names all that an answer depends on besides file, shape and precision."""

    precisions: Sequence[str]
    key: tuple[object, ...]

    def info(self, precision: str) -> BackendInfo:
        """What runs where. ``max_batch_size`` is what it may be where the file takes any number of images."""

    def prepare(self, shape: Shape, precision: str, folder: Path | None) -> Run:
        """``folder`` is where engines are kept, if there is one. Raises BackendUnavailable."""


class OpenVinoRuntime:
    """OpenVINO on a CPU, in bfloat16 where the processor has it. Raises BackendUnavailable or WeightsError."""

    def __init__(self, file: NetworkFile, device: str = 'auto', precision: str = 'auto') -> None:
        if device not in ('auto', 'cpu'):
            raise BackendUnavailable(f"openvino runs on the CPU here, not on '{device}'")
        try:
            import openvino
        except ImportError as error:
            raise BackendUnavailable('openvino is not installed: pip install openvino') from error
        self._core, self._file = openvino.Core(), file
        able = self._core.get_property('CPU', 'OPTIMIZATION_CAPABILITIES')
        if precision == 'auto':
            precision = 'bf16' if 'BF16' in able else 'fp32'
        elif precision.upper() not in able:
            raise BackendUnavailable(f'openvino has no {precision} on this processor, only {", ".join(able)}')
        self.precisions: Sequence[str] = (precision,) if precision == 'fp32' else (precision, 'fp32')
        self.key: tuple[object, ...] = ('openvino', openvino.__version__)
        self._read()  # now, so that a file that it does not take is told at the start

    def info(self, precision: str) -> BackendInfo:
        """See ``Runtime``."""
        return BackendInfo('openvino', DTYPES[precision])

    def _read(self) -> Any:
        if self._file.path.suffix == '.xml':
            return read_openvino(self._file.path)
        try:
            return self._core.read_model(
                self._file.real if self._file.content is None else io.BytesIO(self._file.content)
            )
        except RuntimeError as error:
            raise BackendUnavailable(f'openvino does not take {self._file.path}: {last_line(error)}') from error

    def prepare(self, shape: Shape, precision: str, folder: Path | None) -> Run:
        """See ``Runtime``."""
        model = self._read()
        try:
            model.reshape(shape)  # kernels for any size are slower
            compiled = self._core.compile_model(model, 'CPU', openvino_hints(precision))
        except RuntimeError as error:
            said = f'{self._file.path} at {"x".join(map(str, shape))}'
            raise BackendUnavailable(f'openvino cannot run {said}: {last_line(error)}') from error
        return lambda pixels: list(compiled(pixels).to_tuple())


def gpu_providers() -> bool:
    """Whether the onnxruntime that is installed can use an NVIDIA GPU, be there one or not."""
    try:
        import onnxruntime
    except ImportError:
        return False
    return 'CUDAExecutionProvider' in onnxruntime.get_available_providers()


class OnnxRuntime:
    """onnxruntime with its provider for ``device``, or for TensorRT. Numbers are those of the file, except with
    TensorRT. Raises BackendUnavailable or WeightsError."""

    def __init__(
        self, file: NetworkFile, device: str = 'auto', precision: str = 'auto', tensorrt: bool = False
    ) -> None:
        if file.path.suffix == '.xml':
            raise BackendUnavailable(f'onnxruntime runs ONNX files, and {file.path.name} is one of OpenVINO')
        try:
            import onnxruntime
        except ImportError as error:
            raise BackendUnavailable('onnxruntime is not installed: pip install onnxruntime') from error
        self._library, self._file, self._tensorrt = onnxruntime, file, tensorrt
        kind, _, number = device.partition(':')
        there = onnxruntime.get_available_providers()
        self._gpu = tensorrt or kind == 'cuda' or (kind == 'auto' and 'CUDAExecutionProvider' in there)
        self._number = int(number) if number.isdigit() else 0
        self._provider = f'{"Tensorrt" if tensorrt else "CUDA" if self._gpu else "CPU"}ExecutionProvider'
        if kind not in ('auto', 'cpu', 'cuda') or (tensorrt and kind == 'cpu') or self._provider not in there:
            raise BackendUnavailable(
                f"onnxruntime has no {self._provider} for device '{device}' here, only "
                f'{", ".join(there)}; for an NVIDIA GPU: pip install onnxruntime-gpu'
            )
        if tensorrt:
            first = 'fp16' if precision == 'auto' else precision
            self.precisions: Sequence[str] = PRECISIONS[PRECISIONS.index(first) :]
        elif precision in ('auto', 'fp32'):
            self.precisions = ('fp32',)
        else:
            raise BackendUnavailable(
                f'onnxruntime computes in the numbers of {file.path.name}, not in {precision}; openvino and tensorrt do'
            )
        self.key: tuple[object, ...] = ('onnxruntime', onnxruntime.__version__, self._provider, self._number)
        self._session = None if tensorrt else self._open([(self._provider, self._options())])

    def info(self, precision: str) -> BackendInfo:
        """See ``Runtime``."""
        name = f'onnxruntime{" tensorrt" if self._tensorrt else ""}'
        if self._gpu:
            return BackendInfo(name, DTYPES[precision], f'cuda:{self._number}', max_batch_size=_ON_A_GPU)
        return BackendInfo(name, DTYPES[precision])

    def prepare(self, shape: Shape, precision: str, folder: Path | None) -> Run:
        """See ``Runtime``."""
        session = self._session
        if session is None:
            kept = {'trt_engine_cache_enable': True, 'trt_engine_cache_path': str(folder)} if folder else {}
            session = self._open(
                [
                    (
                        self._provider,
                        {
                            **self._options(),
                            **kept,
                            'trt_fp16_enable': precision == 'fp16',
                            'trt_bf16_enable': precision == 'bf16',
                        },
                    ),
                    'CUDAExecutionProvider',
                ]
            )
        name = session.get_inputs()[0].name
        return lambda pixels: _translated(lambda: session.run(None, {name: pixels}))

    def _options(self) -> dict[str, Any]:
        return {'device_id': self._number} if self._gpu else {}

    def _open(self, providers: list[Any]) -> Any:
        options = self._library.SessionOptions()
        options.log_severity_level = 3  # errors; its warnings are about the file, which the user has not written
        try:
            session = self._library.InferenceSession(
                str(self._file.real) if self._file.content is None else self._file.content, options, providers=providers
            )
        except Exception as error:  # its exceptions have no base of their own
            raise BackendUnavailable(f'onnxruntime does not take {self._file.path}: {last_line(error)}') from error
        if session.get_providers()[0] != self._provider:
            raise BackendUnavailable(f'onnxruntime could not start its {self._provider}')
        return session


def _translated(call: Callable[[], Sequence[np.ndarray]]) -> Sequence[np.ndarray]:
    """onnxruntime's exceptions in the words that ``backends.faults`` understands."""
    try:
        return call()
    except Exception as error:
        text = str(error)
        if any(words in text.lower() for words in ('failed to allocate', 'out of memory', 'bad_alloc')):
            raise MemoryError(text) from error
        raise RuntimeError(text.replace('CUDA failure', 'CUDA error')) from error


def output_shapes(file: NetworkFile, shape: Shape, dtype: str) -> list[tuple[int, ...]]:
    """The shapes of the outputs for one input of that shape, for files that leave them open: by a black image through
    whichever runtime there is. Raises WeightsError where there is none, or none that takes it."""
    reasons = []
    for make in (OpenVinoRuntime, OnnxRuntime):
        try:
            run = make(file, 'cpu', 'fp32').prepare(shape, 'fp32', None)
            return [output.shape for output in run(np.zeros(shape, dtype))]
        except (BackendUnavailable, RuntimeError) as error:
            reasons.append(str(error))
    raise WeightsError(f'{file.path} leaves the shape of its outputs open, and cannot be run: {"; ".join(reasons)}')
