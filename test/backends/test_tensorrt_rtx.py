"""The whole network and the PRN convert, to the last operation, in the builder of TensorRT-RTX; it needs no GPU."""

from __future__ import annotations

import pytest

from mpn_ros.network.multiposenet import MultiPoseNet
from mpn_ros.network.prn import PoseResidualNetwork
from mpn_ros.presets import preset
from mpn_ros.raw_detections import PEAKS
from mpn_ros.weights import Weights

export = pytest.importorskip('mpn_ros.export', exc_type=ImportError, reason='onnx is of the extra export')
pytest.importorskip('onnxscript', reason='onnxscript is of the extra export and is not installed')
trt = pytest.importorskip(
    'tensorrt_rtx',
    exc_type=ImportError,
    reason='tensorrt-rtx is not installed or not for this '
    'machine; requirements/test.txt names the version, for Linux on x86_64',
)

MOST = 8
"""The largest batch of the engines with a dynamic one."""


def engine(path, shape):
    """The engine of an ONNX file whose input has this shape behind the batch, 1 to MOST if the file leaves it open;
    None if the builder refuses."""
    log = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(log)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, log)
    assert parser.parse_from_file(str(path)), [str(parser.get_error(index)) for index in range(parser.num_errors)]
    config = builder.create_builder_config()
    taken = network.get_input(0)
    if taken.shape[0] == -1:
        profile = builder.create_optimization_profile()
        profile.set_shape(taken.name, (1, *shape), (2, *shape), (MOST, *shape))
        config.add_optimization_profile(profile)
    assert tuple(taken.shape) == (taken.shape[0], *shape)
    return builder.build_serialized_network(network, config)


@pytest.fixture(scope='module', params=['lite', 'r50'])
def weights(request):
    """Random ones: r50 has no others, and what converts does not depend on them."""
    made = preset(request.param)
    parts = {'network': MultiPoseNet(made).state_dict(), 'prn': PoseResidualNetwork(made.prn).state_dict()}
    return Weights(made, parts, {'sha256': 'random'}, request.param)


@pytest.mark.parametrize('batch', [1, None], ids=['static', 'dynamic'])
def test_the_network_converts(weights, tmp_path, batch):
    export.export_network(tmp_path / 'network.onnx', weights, 160, 128, batch=batch, half=True)
    assert engine(tmp_path / 'network.onnx', (128, 160, 3)) is not None


@pytest.mark.parametrize('batch', [4, None], ids=['static', 'dynamic'])
def test_the_prn_converts(weights, tmp_path, batch):
    export.export_prn(tmp_path / 'prn.onnx', weights, batch=batch, half=True)
    assert engine(tmp_path / 'prn.onnx', (17, PEAKS, 3)) is not None
