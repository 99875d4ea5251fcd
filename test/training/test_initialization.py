"""What a run begins with."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

pytest.importorskip('pycocotools', reason='masks need pycocotools: pip install pycocotools')

from mpn_ros.errors import ParameterError, WeightsError  # noqa: E402
from mpn_ros.network.multiposenet import MultiPoseNet  # noqa: E402
from mpn_ros.presets import override, preset  # noqa: E402
from mpn_ros.skeleton import make_layout  # noqa: E402
from mpn_ros.training.initialization import start_backbone, start_from  # noqa: E402
from mpn_ros.weights import load_weights, resolve_weights  # noqa: E402


@pytest.fixture(scope='module')
def shipped():
    return load_weights(resolve_weights('lite')).network().state_dict()


def untouched(network, before):
    return {key for key, value in network.state_dict().items() if torch.equal(value, before[key])}


def test_shipped_weights_come_whole(shipped):
    network = MultiPoseNet(preset('lite'))
    start_from(network, Path('lite'))
    assert all(torch.equal(value, shipped[key]) for key, value in network.state_dict().items())


def test_parts_come_by_the_beginning_of_their_names(shipped):
    network = MultiPoseNet(preset('lite'))
    before = {key: value.clone() for key, value in network.state_dict().items()}
    start_from(network, Path('lite'), ['keypoint_head.down', 'detector_pyramid'])
    changed = network.state_dict().keys() - untouched(network, before)
    assert {key.split('.')[0] for key in changed} == {'keypoint_head', 'detector_pyramid'}
    assert not any(key.startswith('keypoint_head.fusion') for key in changed)
    with pytest.raises(ParameterError, match="begins with 'neck'"):
        start_from(network, Path('lite'), ['neck'])


def test_with_other_keypoints_all_but_their_own_rows_come(shipped):
    network = MultiPoseNet(dataclasses.replace(preset('lite'), layout=make_layout(('knob', 'hinge'), ())))
    start_from(network, Path('lite'))
    state = network.state_dict()
    assert torch.equal(state['keypoint_head.fusion.1.weight'], shipped['keypoint_head.fusion.1.weight'])
    assert state['keypoint_head.heatmaps.weight'].shape[0] == 3


def test_a_dilated_backbone_takes_the_weights_of_the_plain_one(shipped):
    network = MultiPoseNet(override(preset('lite'), ['backbone=mobilenet_dilated']))
    start_from(network, Path('lite'))
    assert torch.equal(network.state_dict()['backbone.head.conv.weight'], shipped['backbone.head.conv.weight'])


def test_another_network_is_refused():
    with pytest.raises(WeightsError, match="holds another network than preset 'lite'"):
        start_from(MultiPoseNet(override(preset('lite'), ['keypoint_head.width=32'])), Path('lite'))


def test_a_backbone_comes_from_a_state_dict(shipped, tmp_path):
    state = {key.removeprefix('backbone.'): value for key, value in shipped.items() if key.startswith('backbone.')}
    torch.save(state, tmp_path / 'backbone.pth')
    network = MultiPoseNet(preset('lite'))
    start_backbone(network, tmp_path / 'backbone.pth')
    assert all(torch.equal(value, state[key]) for key, value in network.backbone.state_dict().items())


@pytest.mark.parametrize('content', [{'conv1.weight': torch.zeros(1)}, [1, 2], None])
def test_what_is_no_backbone_is_named(tmp_path, content):
    if content is not None:
        torch.save(content, tmp_path / 'other.pth')
    with pytest.raises(WeightsError, match="other.pth does not hold a mobilenet's weights: "):
        start_backbone(MultiPoseNet(preset('lite')), tmp_path / 'other.pth')
