"""Every backend gives the same answer as eager PyTorch, and 'auto' never fails where one of them works."""

import copy
import dataclasses
import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from ready_network import Ready

import mpn_ros.backends as backends
from mpn_ros.backends.base import MOST_SHAPES, BackendInfo
from mpn_ros.backends.eager import EagerBackend
from mpn_ros.backends.openvino import OpenVinoBackend
from mpn_ros.backends.parity import output_mismatch, probe_images
from mpn_ros.errors import BackendUnavailable, ParameterError
from mpn_ros.inference_graph import InferenceGraph
from mpn_ros.presets import Preprocessing
from mpn_ros.raw_detections import BOXES


def test_eager_is_the_graph_itself(network, images):
    seen = EagerBackend(network, 'cpu', 'fp32')(images)
    with torch.inference_mode():
        want = InferenceGraph(network, 64, 96)(torch.from_numpy(images))
    for ours, theirs in zip(seen, want):
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize('precision', ['bf16', 'fp16'])
def test_eager_in_half_precision_agrees(network, images, precision):
    exact, half = (EagerBackend(network, 'cpu', p)(images) for p in ('fp32', precision))
    assert output_mismatch(half, exact) is None
    assert np.abs(half.person - exact.person).max() > 0, 'it is float32 all the same'


def test_openvino_agrees_with_eager(network, images):
    pytest.importorskip('openvino', reason='openvino is an extra and is not installed')
    eager = EagerBackend(network, 'cpu', 'fp32')(images)
    fast = OpenVinoBackend(Ready(network), 'cpu')(images)
    np.testing.assert_allclose(fast.person, eager.person, atol=0.03)  # bfloat16 keeps eight bits
    np.testing.assert_allclose(fast.boxes[:, : eager.boxes.shape[1], 4], eager.boxes[..., 4], atol=0.01)
    best = eager.peaks[:, :, :1]
    near = (np.abs(fast.peaks[..., :2] - best[..., :2]).max(-1) < 2) & (
        np.abs(fast.peaks[..., 2] - best[..., 2]) < 0.03
    )
    assert near.any(-1).mean() > 0.9, 'the strongest peaks of one backend are missing in the other'


def test_openvino_computes_in_the_precision_that_was_asked_for(small_network, images):
    pytest.importorskip('openvino', reason='openvino is an extra and is not installed')
    eager = EagerBackend(small_network, 'cpu', 'fp32')(images)
    fast = OpenVinoBackend(Ready(small_network), 'cpu', 'fp32')
    assert str(fast.info) == 'openvino float32 on cpu'
    np.testing.assert_allclose(fast(images).person, eager.person, atol=1e-5)


def test_openvino_compiles_for_the_size_and_not_for_any(small_network):
    pytest.importorskip('openvino', reason='openvino is an extra and is not installed')
    compiled = OpenVinoBackend(Ready(small_network), 'cpu')._compile((1, 64, 96, 3))
    assert all(port.partial_shape.is_static for port in (*compiled.inputs, *compiled.outputs))


def test_openvino_answers_at_every_size_as_a_graph_that_was_made_for_it(small_network):
    openvino = pytest.importorskip('openvino', reason='openvino is an extra and is not installed')
    backend = OpenVinoBackend(Ready(small_network), 'cpu', 'fp32')
    for height, width in (192, 160), (32, 64), (160, 192):
        pictures = probe_images((1, height, width, 3))
        with torch.no_grad():
            graph = torch.export.export(
                InferenceGraph(small_network, height, width).eval(), (torch.from_numpy(pictures),)
            )
        model = openvino.convert_model(graph)
        model.reshape(pictures.shape)
        want = openvino.Core().compile_model(model, 'CPU', backend._hints)(pictures)
        seen, cells = backend(pictures), height // 8 * width // 8
        # Both ways fold BatchNorm into the convolution in an order of their own: the last bits may differ.
        np.testing.assert_allclose(seen.peaks, want[0], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(seen.boxes[:, :cells], want[1], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(seen.person, want[2], rtol=1e-5, atol=1e-5)
        assert seen.boxes.shape == (1, BOXES, 5) and not seen.boxes[:, cells:, 4].any()


def test_openvino_converts_once_for_all_sizes_and_starts(small_network, monkeypatch, tmp_path):
    pytest.importorskip('openvino', reason='openvino is an extra and is not installed')
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    convert, conversions = OpenVinoBackend._convert, []
    monkeypatch.setattr(OpenVinoBackend, '_convert', lambda *source: conversions.append(1) or convert(*source))
    for _ in range(2):
        backend = OpenVinoBackend(Ready(small_network), 'cpu')
        for shape in (1, 32, 64, 3), (1, 64, 32, 3):
            backend(probe_images(shape))
    assert len(conversions) == 1 and len(list((tmp_path / 'mpn_ros').glob('openvino-*'))) == 1


def test_openvino_forgets_the_size_that_was_used_longest_ago(small_network, monkeypatch):
    """As the windows of the second look need it: they are used with every image, whatever sizes the images have."""
    pytest.importorskip('openvino', reason='openvino is an extra and is not installed')
    compile_, compiled = OpenVinoBackend._compile, []
    monkeypatch.setattr(
        OpenVinoBackend, '_compile', lambda self, shape: compiled.append(shape[1:3]) or compile_(self, shape)
    )
    backend = OpenVinoBackend(Ready(small_network), 'cpu')
    for width in range(32, 32 * (MOST_SHAPES + 5), 32):
        backend(probe_images((1, 64, 64, 3)))
        backend(probe_images((1, 32, width, 3)))
    assert compiled.count((64, 64)) == 1


def test_openvino_answers_while_another_thread_waits_for_a_new_size(small_network, monkeypatch):
    pytest.importorskip('openvino', reason='openvino is an extra and is not installed')
    compile_, compiled, begun, go_on = OpenVinoBackend._compile, [], threading.Event(), threading.Event()

    def slowly(self, shape):
        compiled.append(shape[1:3])
        if shape[1:3] == (32, 64):
            begun.set()
            assert go_on.wait(60)
        return compile_(self, shape)

    monkeypatch.setattr(OpenVinoBackend, '_compile', slowly)
    backend = OpenVinoBackend(Ready(small_network), 'cpu')
    assert backend.info.concurrent
    with ThreadPoolExecutor(3) as threads:
        waiting = [threads.submit(backend, probe_images((1, 32, 64, 3))) for _ in range(2)]
        assert begun.wait(60)
        answer = threads.submit(backend, probe_images((1, 64, 64, 3))).result(60)
        assert answer.peaks.shape[0] == 1 and not any(one.done() for one in waiting)
        go_on.set()
        first, second = (one.result(60) for one in waiting)
    np.testing.assert_array_equal(first.peaks, second.peaks)
    assert compiled.count((32, 64)) == 1  # both have waited for the same


def test_openvino_keeps_apart_what_differs_in_the_preset_alone(small_network, images, monkeypatch, tmp_path):
    pytest.importorskip('openvino', reason='openvino is an extra and is not installed')
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    other = copy.copy(small_network)
    other.preset = dataclasses.replace(other.preset, preprocessing=Preprocessing((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)))
    seen, differently = (OpenVinoBackend(Ready(network), 'cpu')(images) for network in (small_network, other))
    assert np.abs(seen.person - differently.person).max() > 0.01


@pytest.mark.parametrize('name', list(backends.BACKENDS))
def test_a_precision_that_there_is_not_is_named(small_network, name):
    with pytest.raises(ParameterError, match="auto, fp16, bf16, fp32, not 'int4'"):
        backends.make_backend(Ready(small_network), name, 'cpu', 'int4')


@pytest.mark.parametrize('make', [EagerBackend, OpenVinoBackend])
def test_images_may_lie_on_the_device_already(small_network, images, make):
    if make is OpenVinoBackend:
        pytest.importorskip('openvino', reason='openvino is not installed here')
    backend = make(Ready(small_network) if make is OpenVinoBackend else small_network, 'cpu', 'fp32')
    for there, here in zip(backend(torch.from_numpy(images)), backend(images), strict=True):
        np.testing.assert_array_equal(there, here)


def test_a_backend_takes_a_new_shape_in_mid_stream(network):
    backend = EagerBackend(network, 'cpu')
    assert [backend(np.zeros((1, height, 64, 3), np.uint8)).person.shape for height in (32, 64, 32)] == [
        (1, 8, 16),
        (1, 16, 16),
        (1, 8, 16),
    ]


def test_an_answer_stays_as_it_is_when_the_next_one_comes(small_network, images):
    backend = EagerBackend(small_network, 'cpu')
    first = backend(images)
    kept = copy.deepcopy(first)
    backend(255 - images)
    for now, then in zip(first, kept):
        np.testing.assert_array_equal(now, then)


def test_the_network_that_was_given_stays_as_it_is(small_network, images):
    before = {name: value.clone() for name, value in small_network.state_dict().items()}
    EagerBackend(small_network, 'cpu', 'fp16')(images)
    for name, value in small_network.state_dict().items():
        assert torch.equal(value, before[name]), name


class Absent:
    def __init__(self, *_):
        raise BackendUnavailable('no such chip')


class Unbuildable:
    info = BackendInfo('unbuildable', 'float32')

    def __init__(self, *_):
        pass

    def __call__(self, images):
        raise BackendUnavailable('no engine for this shape')


@pytest.fixture
def order(monkeypatch):
    """Sets what 'auto' tries on a CPU."""
    monkeypatch.setitem(backends.BACKENDS, 'absent', Absent)
    monkeypatch.setitem(backends.BACKENDS, 'unbuildable', Unbuildable)
    return lambda *names: monkeypatch.setitem(backends.ORDER, 'cpu', names)


def test_auto_says_what_it_took_and_why_not_the_better_ones(network, order, caplog):
    order('absent', 'eager')
    with caplog.at_level(logging.INFO):
        assert str(backends.make_backend(Ready(network), precision='fp32').info) == 'eager float32 on cpu'
    assert 'eager float32 on cpu (no GPU that PyTorch can use; no such chip)' in caplog.text
    order('absent')
    with pytest.raises(BackendUnavailable, match='no such chip'):
        backends.make_backend(Ready(network))


def test_auto_goes_on_to_the_next_where_a_graph_cannot_be_built(small_network, images, order, caplog):
    order('unbuildable', 'absent', 'eager')
    backend = backends.make_backend(Ready(small_network), device='cpu', precision='fp32')
    assert backend.info.name == 'unbuildable'
    with caplog.at_level(logging.INFO):
        assert np.isfinite(backend(images).person).all() and str(backend.info) == 'eager float32 on cpu'
    assert backend.info.max_batch_size == 1
    assert 'eager float32 on cpu (no engine for this shape; no such chip)' in caplog.text
    order('unbuildable')
    with pytest.raises(BackendUnavailable, match='no engine'):
        backends.make_backend(Ready(small_network), device='cpu')(images)


def test_a_device_that_cannot_be_had_is_named(network):
    with pytest.raises(BackendUnavailable, match="'tpu9'"):
        EagerBackend(network, 'tpu9')
    with pytest.raises(BackendUnavailable, match="not on 'cuda'"):
        OpenVinoBackend(Ready(network), 'cuda')


def test_a_cached_graph_that_openvino_refuses_is_made_again(network, images, monkeypatch, caplog, tmp_path):
    openvino = pytest.importorskip('openvino', reason='openvino is an extra and is not installed')
    (tmp_path / 'graph.xml').write_text('<net/>')
    monkeypatch.setattr('mpn_ros.backends.openvino.get_or_build', lambda *_: tmp_path)
    made = openvino.convert_model(torch.nn.Identity(), example_input=torch.zeros(1))
    monkeypatch.setattr(OpenVinoBackend, '_convert', lambda *_: made)
    assert OpenVinoBackend(Ready(network), 'cpu')._compile((1, 64, 96, 3)).inputs
    assert str(tmp_path) in caplog.text and 'is not used' in caplog.text


@pytest.mark.parametrize(
    'name, part',
    [
        ('eager', 'keypoint_head.heatmaps.bias'),
        ('eager', 'detector.classification.output.1.bias'),
        ('openvino', 'keypoint_head.heatmaps.bias'),
    ],
)
def test_nan_in_the_network_is_nan_in_the_answer(network, images, name, part):
    if name == 'openvino':
        pytest.importorskip('openvino', reason='openvino is an extra and is not installed')
    broken = copy.deepcopy(network)
    with torch.no_grad():
        broken.get_parameter(part)[0] = torch.nan  # of 18 heatmaps one
    seen = backends.make_backend(Ready(broken), name, 'cpu')(images)
    assert not all(np.isfinite(values).all() for values in seen)
