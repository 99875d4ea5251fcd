"""The fast backend for NVIDIA GPUs: a TensorRT engine of the whole graph, built once and kept."""

from __future__ import annotations

import contextlib
import inspect
import logging
import shutil
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch

from mpn_ros import __version__
from mpn_ros.backends.cache import get_or_build, set_inductor_cache_dir
from mpn_ros.backends.faults import device_lost, out_of_memory
from mpn_ros.backends.packing import Packed, unpack
from mpn_ros.backends.parity import output_mismatch, probe_images
from mpn_ros.backends.precision import DTYPES
from mpn_ros.backends.torch_backend import Graph, TorchBackend, inference_graph, prepare, say
from mpn_ros.errors import BackendUnavailable
from mpn_ros.network.multiposenet import MultiPoseNet
from mpn_ros.weights import tensor_digest

_ENGINE, _PRECISION = 'engine.pt2', 'precision'
_SIGN_OF_LIFE = 30.0  # seconds between two lines in the log while an engine is built
_log = logging.getLogger(__name__)


class TensorRtBackend(TorchBackend):
    """Torch-TensorRT, ahead of time, with CUDA graphs. An engine is built for each shape when it first comes, which
    takes minutes, and kept for later starts.

    Before an engine is kept its answer is compared with that of PyTorch in float32. One that is off is built again in
    the next safer of float16, bfloat16 and float32, with a warning, whatever ``precision`` was asked for.
    """

    name = 'tensorrt'

    def __init__(self, network: MultiPoseNet, device: str = 'auto', precision: str = 'auto'):
        if not torch.cuda.is_available():
            raise BackendUnavailable('tensorrt needs an NVIDIA GPU, and PyTorch finds none')
        if device != 'auto' and not device.startswith('cuda'):
            raise BackendUnavailable(f"tensorrt runs on an NVIDIA GPU, not on '{device}'")
        super().__init__(network, device, precision)
        try:  # without its libraries it raises a plain Exception
            import tensorrt
            import torch_tensorrt
        except Exception as error:
            raise BackendUnavailable(
                f'torch-tensorrt cannot be used ({str(error).splitlines()[0]}): pip install torch-tensorrt tensorrt'
            ) from error
        self._torch_tensorrt: Any = torch_tensorrt
        # Of the whole process: there is one network in it, and one thread that runs it.
        torch_tensorrt.runtime.set_cudagraphs_mode(True)
        names = [getattr(torch, name) for name in DTYPES.values()]
        self._choices = names[names.index(self.dtype) :]
        self._key = (
            tensor_digest(network.state_dict()),
            __version__,
            torch.__version__,
            torch_tensorrt.__version__,
            tensorrt.__version__,
            torch.cuda.get_device_name(self.device),
            torch.cuda.get_device_capability(self.device),
            say(self.dtype),
        )

    def _make(self, shape: tuple[int, ...]) -> Graph:
        build = partial(self._build, shape)
        folder = get_or_build(self.name, (*self._key, shape), build)
        if folder is not None:
            try:
                return self._load(folder, shape)
            except Exception as error:  # whole, but TensorRT does not take it: of another driver, for one
                if out_of_memory(error) or device_lost(error):
                    raise
                _log.warning('the engine in %s cannot be read and is built again: %s', folder, _line(error))
                shutil.rmtree(folder, ignore_errors=True)
                folder = get_or_build(self.name, (*self._key, shape), build)
        if folder is not None:
            return self._load(folder, shape)
        with tempfile.TemporaryDirectory() as place:
            build(Path(place))
            return self._load(Path(place), shape)

    def _build(self, shape: tuple[int, ...], folder: Path) -> None:
        """Puts into the folder the engine of the first precision whose answer is right. Raises BackendUnavailable if
        there is none."""
        pictures = torch.from_numpy(probe_images(shape)).to(self.device)
        wanted = self._answer(self._graph(shape, torch.float32), pictures)
        for dtype in self._choices:
            graph, problem = self._graph(shape, dtype), None
            try:
                with _progress(f'a TensorRT engine in {say(dtype)} for {"x".join(map(str, shape))}'):
                    engine = self._compile(graph, pictures, folder)
                problem = output_mismatch(self._answer(engine, pictures), wanted)
            except Exception as error:  # TensorRT, its converters and its runtime have many kinds
                if out_of_memory(error) or device_lost(error):
                    raise
                problem = _line(error)
            if problem is None:
                self._torch_tensorrt.save(engine, str(folder / _ENGINE), arg_inputs=[pictures])
                (folder / _PRECISION).write_text(say(dtype))
                return
            _log.warning('the TensorRT engine in %s is not used: %s', say(dtype), problem)
        raise BackendUnavailable(f'TensorRT builds no engine that answers as the network does: {problem}')

    def _load(self, folder: Path, shape: tuple[int, ...]) -> Graph:
        engine: Graph = self._torch_tensorrt.load(str(folder / _ENGINE)).module()
        engine(torch.zeros(shape, dtype=torch.uint8, device=self.device))  # some engines fail only when they run
        self.dtype = getattr(torch, (folder / _PRECISION).read_text())
        return engine

    def _graph(self, shape: tuple[int, ...], dtype: torch.dtype) -> Packed:
        return Packed(inference_graph(prepare(self.network, self.device, dtype), *shape[1:3])).eval()

    def _answer(self, graph: Graph, pictures: torch.Tensor) -> Any:
        height, width = pictures.shape[1:3]
        return unpack(graph(pictures).cpu().numpy(), self.network.preset.keypoints, height, width)

    def _compile(self, graph: Packed, pictures: torch.Tensor, folder: Path) -> Any:
        compile_ = self._torch_tensorrt.dynamo.compile
        # The graph's own types are the precision. From TensorRT 11 on there is no other way and no option for it.
        known = inspect.signature(compile_).parameters
        typing = {'use_explicit_typing': True} if 'use_explicit_typing' in known else {}
        set_inductor_cache_dir()
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # of torch about its own use of pytrees
            program = torch.export.export(graph, (pictures,))
            return compile_(
                program,
                arg_inputs=[pictures],
                device=self.device,
                require_full_compilation=True,
                min_block_size=1,
                optimization_level=3,
                timing_cache_path=str(folder / 'timing.bin'),
                **typing,
            )


@contextlib.contextmanager
def _progress(what: str) -> Iterator[None]:
    """Tells the log that something long begins, goes on and has ended."""
    started, done = time.monotonic(), threading.Event()

    def tell() -> None:
        while not done.wait(_SIGN_OF_LIFE):
            _log.info('still building %s, for %.0f s now', what, time.monotonic() - started)

    _log.info('building %s, which can take minutes; it is kept for later starts', what)
    teller = threading.Thread(target=tell, name='progress of a build', daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()
    _log.info('built %s in %.0f s', what, time.monotonic() - started)


def _line(error: Exception) -> str:
    return f'{type(error).__name__}: {error}'.splitlines()[0]
