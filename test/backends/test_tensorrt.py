"""The TensorRT backend without a GPU: what it builds, keeps, checks and refuses, on a stand-in for Torch-TensorRT."""

from __future__ import annotations

import logging
import sys
from importlib.machinery import ModuleSpec
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch._dynamo  # before anything about GPUs is pretended

import mpn_ros.backends.torch_backend as torch_backend
from mpn_ros.backends.eager import EagerBackend
from mpn_ros.backends.tensorrt import TensorRtBackend
from mpn_ros.errors import BackendUnavailable


class Fake:
    """Torch-TensorRT whose engines are the exported programs themselves, on the CPU."""

    __spec__ = ModuleSpec('torch_tensorrt', None)  # torch asks for it

    def __init__(self):
        self.builds, self.loads = [], 0
        self.spoil = {}
        self.runtime = SimpleNamespace(set_cudagraphs_mode=lambda mode: setattr(self, 'cuda_graphs', mode))
        self.dynamo = SimpleNamespace(compile=self.compile)
        self.__version__ = '2.13.0'

    def compile(self, program, *, arg_inputs, **options):
        dtype = next(program.module().parameters()).dtype
        self.builds.append(dtype)
        self.options = options
        return self.spoil.get(dtype, lambda module: module)(program.module())

    def save(self, engine, path, *, arg_inputs):
        torch.export.save(torch.export.export(engine, tuple(arg_inputs)), path)

    def load(self, path):
        self.loads += 1
        return torch.export.load(path)


@pytest.fixture
def gpu(monkeypatch, tmp_path):
    """A machine that seems to have a GPU, which is its CPU in truth."""
    fake = Fake()
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    monkeypatch.setitem(sys.modules, 'torch_tensorrt', fake)
    namespace = SimpleNamespace(__version__='11.0', __spec__=ModuleSpec('tensorrt', None))
    monkeypatch.setitem(sys.modules, 'tensorrt', namespace)
    monkeypatch.setattr('torch.cuda.is_available', lambda: True)
    monkeypatch.setattr('torch.cuda.get_device_name', lambda _: 'H100')
    monkeypatch.setattr('torch.cuda.get_device_capability', lambda _: (9, 0))
    monkeypatch.setattr(torch_backend, 'check_device', lambda _: torch.device('cpu'))
    return fake


def test_an_engine_is_built_once_and_answers_as_the_network(small_network, images, gpu, caplog):
    exact = EagerBackend(small_network, 'cpu', 'fp32')(images)
    with caplog.at_level(logging.INFO):
        for _ in range(2):  # two starts
            backend = TensorRtBackend(small_network, precision='fp32')
            np.testing.assert_allclose(backend(images).person, exact.person, atol=1e-5)
    assert gpu.builds == [torch.float32] and gpu.loads == 2 and gpu.cuda_graphs
    assert gpu.options['require_full_compilation'] and 'use_explicit_typing' not in gpu.options
    assert 'building a TensorRT engine in float32 for 2x64x96x3' in caplog.text and 'built a TensorRT' in caplog.text


@pytest.mark.parametrize('place', [np.asarray, torch.as_tensor], ids=['on the host', 'on the device'])
def test_three_images_run_in_the_engine_for_four(small_network, images, gpu, place):
    backend = TensorRtBackend(small_network, precision='fp32')
    three = np.concatenate([images, images[:1]])
    assert backend(place(three)).person.shape == (3, 16, 24)
    backend(np.concatenate([images, images]))
    assert len(gpu.builds) == 1


@pytest.mark.parametrize(
    'change',
    [
        ('torch.cuda.get_device_name', lambda _: 'L4'),
        ('torch.cuda.get_device_capability', lambda _: (8, 9)),
        ('torch.__version__', '2.14'),
        ('tensorrt', '11.1'),
        ('torch_tensorrt', '2.14'),
    ],
    ids=lambda change: change[0],
)
def test_an_engine_of_another_machine_or_version_is_not_used(small_network, images, gpu, monkeypatch, change):
    built = []
    monkeypatch.setattr(TensorRtBackend, '_build', lambda *_: built.append(True))
    monkeypatch.setattr(TensorRtBackend, '_load', lambda *_: lambda batch: torch.zeros(1, 17 * 90 + 24 * 16))
    name, value = change
    TensorRtBackend(small_network)(images[:1])
    TensorRtBackend(small_network)(images[:1])
    assert len(built) == 1
    if name in sys.modules:
        monkeypatch.setattr(sys.modules[name], '__version__', value)
    else:
        monkeypatch.setattr(name, value)
    TensorRtBackend(small_network)(images[:1])
    assert len(built) == 2


def test_a_damaged_or_refused_engine_is_built_again(small_network, images, gpu, tmp_path, monkeypatch, caplog):
    TensorRtBackend(small_network)(images[:1])
    (engine,) = tmp_path.glob('mpn_ros/tensorrt-*/engine.pt2')
    engine.write_bytes(engine.read_bytes()[:-1])
    TensorRtBackend(small_network)(images[:1])
    assert len(gpu.builds) == 2 and 'is damaged and is built again' in caplog.text
    load, refusals = gpu.load, iter([True])
    monkeypatch.setattr(gpu, 'load', lambda path: load(path) if not next(refusals, False) else int('foreign'))
    TensorRtBackend(small_network)(images[:1])
    assert len(gpu.builds) == 3 and 'cannot be read and is built again: ValueError' in caplog.text


def test_without_a_cache_the_engine_is_built_for_this_start(small_network, images, gpu, monkeypatch, tmp_path):
    (tmp_path / 'file').write_text('')
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'file'))
    assert np.isfinite(TensorRtBackend(small_network)(images[:1]).person).all()


class Wrong(torch.nn.Module):
    """An engine whose answer is multiplied."""

    def __init__(self, module, factor):
        super().__init__()
        self.module, self.factor = module, factor

    def forward(self, images):
        return self.module(images) * self.factor


def test_an_engine_that_overflows_makes_room_for_a_safer_one_for_good(small_network, images, gpu, caplog):
    gpu.spoil[torch.float16] = lambda module: Wrong(module, torch.nan)
    for _ in range(2):
        backend = TensorRtBackend(small_network, precision='fp16')
        assert str(backend.info) == 'tensorrt float16 on cpu'
        backend(images[:1])
        assert str(backend.info) == 'tensorrt bfloat16 on cpu'
    assert gpu.builds == [torch.float16, torch.bfloat16]
    assert 'the TensorRT engine in float16 is not used: it answers with NaN or infinity' in caplog.text


def test_a_build_that_fails_or_answers_wrongly_in_every_precision_is_refused(small_network, images, gpu, tmp_path):
    gpu.spoil = {
        torch.float16: lambda module: Wrong(module, 3),
        torch.bfloat16: lambda _: int('no converter'),
        torch.float32: lambda module: Wrong(module, 0),
    }
    with pytest.raises(BackendUnavailable, match='no engine that answers as the network does: it is off by'):
        TensorRtBackend(small_network, precision='fp16')(images[:1])
    assert len(gpu.builds) == 3 and not list(tmp_path.glob('mpn_ros/tensorrt-*'))


def test_missing_memory_is_not_taken_for_a_bad_engine(small_network, images, gpu):
    def full(_):
        raise torch.cuda.OutOfMemoryError('CUDA out of memory')

    gpu.spoil[torch.float16] = full
    with pytest.raises(torch.cuda.OutOfMemoryError):
        TensorRtBackend(small_network, precision='fp16')(images[:1])


def test_without_a_gpu_it_says_so(small_network):
    if torch.cuda.is_available():
        pytest.skip('there is a GPU')
    with pytest.raises(BackendUnavailable, match='PyTorch finds none'):
        TensorRtBackend(small_network)


def test_a_torch_tensorrt_without_its_libraries_is_one_sentence(small_network, gpu, monkeypatch):
    class Broken:
        def find_spec(self, name, *_):
            if name == 'torch_tensorrt':
                raise Exception('Could not find libnvinfer.so\nand more')

    monkeypatch.delitem(sys.modules, 'torch_tensorrt')
    monkeypatch.setattr(sys, 'meta_path', [Broken(), *sys.meta_path])
    with pytest.raises(BackendUnavailable, match='libnvinfer.so.*pip install'):
        TensorRtBackend(small_network)
