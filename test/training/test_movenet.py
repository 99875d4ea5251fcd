"""The start of `lite`: exactly the heatmaps of MoveNet, from the very file that a user downloads."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from mpn_ros.errors import WeightsError
from mpn_ros.network.multiposenet import MultiPoseNet
from mpn_ros.presets import preset
from mpn_ros.training.movenet import start_from_movenet

MOVENET = Path(os.environ.get('MPN_DATA', ''), 'teachers/movenet-multipose.onnx')
HEATMAPS = 'StatefulPartitionedCall/kpt_heatmap_0/conv2d_7/BiasAdd:0'


@pytest.mark.skipif(not MOVENET.is_file(), reason=f'{MOVENET} is not in the folder that MPN_DATA names')
def test_at_step_0_our_heatmaps_are_movenets():
    onnx = pytest.importorskip('onnx', reason='onnx is not installed')
    onnxruntime = pytest.importorskip('onnxruntime', reason='onnxruntime is not installed')
    model = onnx.load(str(MOVENET))
    model.graph.output.append(onnx.helper.make_tensor_value_info(HEATMAPS, onnx.TensorProto.FLOAT, None))
    pixels = np.random.default_rng(0).integers(0, 255, (1, 64, 96, 3)).astype(np.int32)
    want = onnxruntime.InferenceSession(model.SerializeToString()).run([HEATMAPS], {'input:0': pixels})[0]
    torch.manual_seed(0)
    network = MultiPoseNet(preset('lite')).eval()
    start_from_movenet(network, MOVENET)
    mean, std = network.preset.preprocessing.mean[0], network.preset.preprocessing.std[0]
    with torch.no_grad():
        ours = network((torch.from_numpy(pixels).permute(0, 3, 1, 2).float() - mean) / std).heatmaps
    np.testing.assert_allclose(ours[:, :17], want if want.shape[1] == 17 else want.transpose(0, 3, 1, 2), atol=2e-3)


def test_another_file_or_network_is_refused_in_a_sentence(tmp_path):
    pytest.importorskip('onnx', reason='onnx is in the extra `train` and is not installed')
    lite = MultiPoseNet(preset('lite'))
    (tmp_path / 'a.onnx').write_bytes(b'not a model')
    with pytest.raises(WeightsError, match='a.onnx is not'):
        start_from_movenet(lite, tmp_path / 'a.onnx')
    with pytest.raises(WeightsError, match='gone.onnx does not exist'):
        start_from_movenet(lite, tmp_path / 'gone.onnx')
    with torch.device('meta'):
        other = MultiPoseNet(preset('r50'))
    with pytest.raises(WeightsError, match="'r50' has no MobileNet"):
        start_from_movenet(other, tmp_path / 'a.onnx')
