"""Every backend gives the same answer as eager PyTorch, and 'auto' never fails where one of them works."""

import copy
import logging

import cv2
import numpy as np
import pytest
import torch

import mpn_ros.backends as backends
from mpn_ros.errors import BackendUnavailable
from mpn_ros.network.multiposenet import MultiPoseNet
from mpn_ros.perception import Perception
from mpn_ros.presets import preset


@pytest.fixture(scope='module')
def network():
    """A network with strong answers: untrained, but with outputs far from their cautious start."""
    torch.manual_seed(0)
    network = MultiPoseNet(preset('lite')).eval()
    torch.nn.init.normal_(network.keypoint_head.heatmaps.weight, std=0.5)
    torch.nn.init.zeros_(network.keypoint_head.heatmaps.bias)
    return network


@pytest.fixture(scope='module')
def images():
    coarse = np.random.default_rng(0).integers(0, 255, (2, 4, 6, 3), np.uint8)
    return np.stack([cv2.resize(picture, (96, 64), interpolation=cv2.INTER_CUBIC) for picture in coarse])


def test_eager_is_the_graph_itself(network, images):
    seen = backends.EagerBackend(network, 'cpu')(images)
    with torch.inference_mode():
        want = Perception(network, 64, 96)(torch.from_numpy(images))
    for ours, theirs in zip(seen, want):
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-3, atol=1e-3)


def test_openvino_agrees_with_eager(network, images):
    pytest.importorskip('openvino', reason='openvino is an extra and is not installed')
    eager, fast = backends.EagerBackend(network, 'cpu')(images), backends.OpenVinoBackend(network, 'cpu')(images)
    np.testing.assert_allclose(fast.person, eager.person, atol=0.03)  # bfloat16 keeps eight bits
    np.testing.assert_allclose(fast.boxes[..., 4], eager.boxes[..., 4], atol=0.01)
    best = eager.peaks[:, :, :1]
    near = (np.abs(fast.peaks[..., :2] - best[..., :2]).max(-1) < 2) & (
        np.abs(fast.peaks[..., 2] - best[..., 2]) < 0.03
    )
    assert near.any(-1).mean() > 0.9, 'the strongest peaks of one backend are missing in the other'


def test_a_backend_takes_a_new_shape_in_mid_stream(network):
    backend = backends.EagerBackend(network, 'cpu')
    assert [backend(np.zeros((1, height, 64, 3), np.uint8)).person.shape for height in (32, 64, 32)] == [
        (1, 8, 16),
        (1, 16, 16),
        (1, 8, 16),
    ]


def test_auto_says_what_it_took_and_why_not_the_better_ones(network, monkeypatch, caplog):
    class Absent:
        def __init__(self, *_):
            raise BackendUnavailable('no such chip')

    monkeypatch.setattr(backends, 'BACKENDS', {'absent': Absent, 'eager': backends.EagerBackend})
    with caplog.at_level(logging.INFO):
        assert backends.make_backend(network).description == 'eager float32 on cpu'
    assert 'eager float32 on cpu (no such chip)' in caplog.text
    monkeypatch.setattr(backends, 'BACKENDS', {'absent': Absent})
    with pytest.raises(BackendUnavailable, match='no such chip'):
        backends.make_backend(network)


def test_a_device_that_cannot_be_had_is_named(network):
    with pytest.raises(BackendUnavailable, match="'tpu9'"):
        backends.EagerBackend(network, 'tpu9')
    with pytest.raises(BackendUnavailable, match="not on 'cuda'"):
        backends.OpenVinoBackend(network, 'cuda')


def test_a_cached_graph_that_openvino_refuses_is_made_again(network, images, monkeypatch, caplog, tmp_path):
    openvino = pytest.importorskip('openvino', reason='openvino is an extra and is not installed')
    (tmp_path / 'graph.xml').write_text('<net/>')
    monkeypatch.setattr('mpn_ros.backends.openvino.cached', lambda *_: tmp_path)
    made = openvino.convert_model(torch.nn.Identity(), example_input=torch.zeros(1))
    monkeypatch.setattr(backends.OpenVinoBackend, '_convert', lambda *_: made)
    assert backends.OpenVinoBackend(network, 'cpu')._compile((1, 64, 96, 3)).inputs
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
    seen = backends.BACKENDS[name](broken, 'cpu')(images)
    assert not all(np.isfinite(values).all() for values in seen)
