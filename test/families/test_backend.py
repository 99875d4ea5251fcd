"""A family's network as a backend: its faults, its precision, and what runs it."""

from __future__ import annotations

import logging

import numpy as np
import pytest

pytest.importorskip('onnx', reason='onnx is an extra and is not installed')
from onnx import TensorProto  # noqa: E402

from mpn_ros.backends.base import BackendInfo  # noqa: E402
from mpn_ros.errors import BackendUnavailable, InferenceError, ParameterError, WeightsError  # noqa: E402
from mpn_ros.families.backend import FamilyBackend, make_backend  # noqa: E402
from mpn_ros.families.network import open_network  # noqa: E402
from mpn_ros.families.runtime import OnnxRuntime, OpenVinoRuntime  # noqa: E402
from mpn_ros.pipeline.pipeline import PosePipeline  # noqa: E402

IMAGES = np.random.default_rng(0).integers(0, 255, (1, 64, 64, 3), np.uint8)
ORDER = np.arange(17)


def rows(score=0.9):
    values = np.zeros((1, 300, 57), np.float32)
    values[0, 0, :5] = 1, 2, 30, 40, score
    return values


@pytest.fixture
def network(save):
    return open_network(save({'out': rows()}, [1, 3, 64, 64]))


class Scripted:
    """A runtime whose answer in each precision the test says, and which tells what it was asked for."""

    key = ('scripted',)

    def __init__(self, answers, *precisions):
        self.answers, self.precisions, self.asked = answers, precisions, []

    def info(self, precision):
        return BackendInfo('scripted', precision)

    def prepare(self, shape, precision, folder):
        self.asked.append((shape, precision))
        return lambda pixels: [self.answers[precision]]


@pytest.mark.parametrize(
    'family, tensor',
    [
        ('yolo', np.float32([10, 20, 30]).reshape(1, 3, 1, 1) / 255),
        ('rtmo', np.float32([30, 20, 10]).reshape(1, 3, 1, 1)),
        ('movenet', np.int32([10, 20, 30]).reshape(1, 1, 1, 3)),
    ],
)
def test_pixels_become_what_each_family_wants(save, family, tensor):
    path = {
        'yolo': lambda: save({'out': rows()}, [1, 3, 64, 64]),
        'rtmo': lambda: save({'d': np.zeros((1, 9, 5)), 'k': np.zeros((1, 9, 17, 3))}, [1, 3, 64, 64]),
        'movenet': lambda: save({'r': np.zeros((1, 6, 56))}, [1, 'h', 'w', 3], dtype=TensorProto.INT32),
    }[family]()
    made = open_network(path).family.preprocess(np.full((1, 64, 64, 3), (10, 20, 30), np.uint8))
    assert made.dtype == tensor.dtype and made.flags.c_contiguous
    np.testing.assert_allclose(made, np.broadcast_to(tensor, made.shape), rtol=1e-6)


def test_the_file_beside_it_changes_what_goes_in(save):
    path = save({'out': rows()}, [1, 3, 64, 64])
    path.with_suffix('.json').write_text('{"mean": [1, 2, 3], "std": [2, 4, 8], "channel_order": "bgr"}')
    made = open_network(path).family.preprocess(np.full((1, 64, 64, 3), (10, 20, 30), np.uint8))
    np.testing.assert_allclose(made[0, :, 0, 0], [(30 - 1) / 2, (20 - 2) / 4, (10 - 3) / 8])


@pytest.mark.parametrize('runtime', ['openvino', 'onnxruntime'])
@pytest.mark.parametrize('value', [np.nan, np.inf])
def test_an_answer_that_is_not_finite_is_no_empty_image(save, runtime, value):
    pytest.importorskip(runtime, reason=f'{runtime} is an extra and is not installed')
    pipeline = PosePipeline(save({'out': rows(value)}, [1, 3, 64, 64]), backend=runtime, precision='fp32')
    with pytest.raises(InferenceError, match=f'not finite .{runtime} float32 on cpu'):
        pipeline(IMAGES[0])


def test_lower_precision_is_checked_once_and_remembered(network, caplog):
    answers = {'fp16': rows(np.nan), 'bf16': rows(0.8), 'fp32': rows(0.9)}
    with caplog.at_level(logging.WARNING):
        runtime = Scripted(answers, 'fp16', 'bf16', 'fp32')
        backend = FamilyBackend(network.file, network.family, ORDER, runtime)
        assert backend(IMAGES).boxes[0, 0, 4] == pytest.approx(0.8) and backend.info.dtype == 'bf16'
    assert 'scripted fp16 on cpu answers otherwise than in float32 and is not used' in caplog.text
    backend(IMAGES)
    assert [precision for _, precision in runtime.asked] == ['fp32', 'fp16', 'bf16', 'bf16']
    again = Scripted(answers, 'fp16', 'bf16', 'fp32')
    assert FamilyBackend(network.file, network.family, ORDER, again)(IMAGES).boxes[0, 0, 4] == pytest.approx(0.8)
    assert [precision for _, precision in again.asked] == ['bf16'], 'it was judged a second time'


def test_where_nothing_else_is_right_it_is_float32(network, monkeypatch, tmp_path):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'none' / 'file'))
    (tmp_path / 'none').write_text('no folder can be made below this')
    backend = FamilyBackend(
        network.file, network.family, ORDER, Scripted({'fp16': rows(0.5), 'fp32': rows(0.9)}, 'fp16', 'fp32')
    )
    assert backend(IMAGES).boxes[0, 0, 4] == pytest.approx(0.9) and backend.info.dtype == 'fp32'


def test_both_runtimes_answer_alike(network):
    for name in ('openvino', 'onnxruntime'):
        pytest.importorskip(name, reason=f'{name} is an extra and is not installed')
    exact = [
        make_backend(network.file, network.family, ORDER, name, 'cpu', 'fp32')(IMAGES)
        for name in ('openvino', 'onnxruntime')
    ]
    for one, other in zip(exact[0][:2], exact[1][:2]):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_auto_takes_what_there_is(network, monkeypatch):
    monkeypatch.setattr('mpn_ros.families.backend.gpu_providers', lambda: False)
    assert make_backend(network.file, network.family, ORDER, precision='fp32').info.device == 'cpu'
    monkeypatch.setitem(__import__('sys').modules, 'openvino', None)
    assert str(make_backend(network.file, network.family, ORDER).info) == 'onnxruntime float32 on cpu'
    monkeypatch.setitem(__import__('sys').modules, 'onnxruntime', None)
    with pytest.raises(BackendUnavailable, match='openvino is not installed.*onnxruntime is not installed'):
        make_backend(network.file, network.family, ORDER)


@pytest.mark.parametrize(
    'name, device, precision, error, sentence',
    [
        (
            'eager',
            'auto',
            'auto',
            BackendUnavailable,
            "backend 'eager' does not run network.onnx: auto, tensorrt, onnx",
        ),
        ('openvino', 'cuda', 'auto', BackendUnavailable, "not on 'cuda'"),
        ('onnxruntime', 'cpu', 'bf16', BackendUnavailable, 'computes in the numbers of network.onnx, not in bf16'),
        ('onnxruntime', 'tpu', 'auto', BackendUnavailable, "for device 'tpu'"),
        ('tensorrt', 'cpu', 'auto', BackendUnavailable, "TensorrtExecutionProvider for device 'cpu'"),
        ('auto', 'cpu', 'int4', ParameterError, "not 'int4'"),
    ],
)
def test_what_cannot_run_says_why(network, name, device, precision, error, sentence):
    with pytest.raises(error, match=sentence):
        make_backend(network.file, network.family, ORDER, name, device, precision)


@pytest.mark.parametrize('name', ['openvino', 'onnxruntime'])
def test_a_network_in_half_precision_is_answered_in_float32(save, name):
    pytest.importorskip(name, reason=f'{name} is an extra and is not installed')
    path = save({'out': rows(0.5)}, [1, 3, 64, 64], dtype=TensorProto.FLOAT16, output_dtype=TensorProto.FLOAT16)
    seen = PosePipeline(path, backend=name, precision='fp32').backend(IMAGES)
    assert seen.boxes.dtype == seen.peaks.dtype == np.float32
    assert seen.boxes[0, 0].tolist() == [1, 2, 30, 40, 0.5, 0]


def test_a_size_that_the_file_does_not_take_is_named(network):
    with pytest.raises(ParameterError, match='input_size cannot be 320: .*network.onnx takes 64x64 pixels'):
        PosePipeline(network, input_size=320)
    assert PosePipeline(network, input_size=64, precision='fp32').input_size == (64, 64)


def test_openvinos_own_files_run(save):
    openvino = pytest.importorskip('openvino', reason='openvino is an extra and is not installed')
    path = save({'out': rows()}, [1, 3, 64, 64])
    xml = path.with_suffix('.xml')
    model = openvino.Core().read_model(path)
    model.set_rt_info('MIT', ['model_info', 'license'])
    openvino.save_model(model, xml, compress_to_fp16=False)
    network = open_network(xml)
    assert network.family.traits.name == 'YOLO-pose, end to end' and network.file.licence == 'MIT'
    assert PosePipeline(network, precision='fp32')(IMAGES[0]).people[0].box.tolist() == [1, 2, 30, 40]
    with pytest.raises(BackendUnavailable, match='onnxruntime runs ONNX files'):
        PosePipeline(network, backend='onnxruntime')
    xml.with_suffix('.bin').unlink()
    with pytest.raises(WeightsError, match='lacks its weights: there is no network.bin beside it'):
        open_network(xml)
    xml.write_text('<net>')
    xml.with_suffix('.bin').write_bytes(b'')
    with pytest.raises(WeightsError, match='is cut short or no file of OpenVINO'):
        open_network(xml)


def test_a_node_that_no_runtime_knows_is_a_sentence(save):
    path = save({'out': rows()}, [1, 3, 64, 64])
    path.write_bytes(path.read_bytes().replace(b'ReduceMax', b'ReduceWhat'[:9]))
    for runtime in (OpenVinoRuntime, OnnxRuntime):
        with pytest.raises(BackendUnavailable, match=f'does not take {path}'):
            runtime(open_network(path).file).prepare((1, 3, 64, 64), 'fp32', None)
