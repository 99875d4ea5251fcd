from __future__ import annotations

import dataclasses

import pytest

from mpn_ros.cli import main
from mpn_ros.network.cost import block_costs
from mpn_ros.network.prn import PoseResidualNetwork
from mpn_ros.presets import PRESETS, PRNConfig
from mpn_ros.weights import load_weights, save_weights


def test_parameters_of_r50_by_hand():
    def conv(inputs, outputs, kernel):
        return (inputs * kernel**2 + 1) * outputs

    cells = 56 * 36 * 17
    lateral = sum(conv(c, 256, 1) for c in (512, 1024, 2048))
    assert {block: cost.parameters for block, cost in block_costs(PRESETS['r50'], 480, 480).items()} == {
        'backbone': 25_557_032 - 2_049_000,
        'keypoint subnet': (
            conv(256, 256, 1)
            + lateral
            + 3 * conv(256, 256, 3)
            + 4 * (conv(256, 128, 3) + conv(128, 128, 3))
            + conv(512, 256, 3)
            + conv(256, 18, 1)
        ),
        'detection subnet': (
            lateral
            + 3 * conv(256, 256, 3)
            + conv(2048, 256, 3)
            + conv(256, 256, 3)
            + 8 * conv(256, 256, 3)
            + conv(256, 9, 3)
            + conv(256, 36, 3)
        ),
        'pose residual network': (cells + 1) * 1024 + (1024 + 1) * cells,
    }


def test_multiply_adds_of_r50():
    costs = block_costs(PRESETS['r50'], 480, 480)
    # ResNet-50's published 4.089 G at 224 x 224, of which the classifier that we leave out has 2048 x 1000.
    assert costs['backbone'].multiply_adds == (4_089_184_256 - 2_048_000) * 480**2 // 224**2
    assert costs['pose residual network'].multiply_adds == 2 * 56 * 36 * 17 * 1024


def test_a_preset_without_weights_is_described_by_its_blocks(capsys):
    assert main(['info', 'r101']) == 0
    out = capsys.readouterr().out
    assert 'preset r101: resnet101, 17 keypoints' in out and '480 x 480 pixels' in out
    total = sum(cost.parameters for cost in block_costs(PRESETS['r101'], 480, 480).values())
    assert '42.50 M' in out and out.rstrip().endswith(f'{total / 1e6:.2f} M')


@pytest.mark.parametrize('by', [str, lambda path: path.stem], ids=['path', 'name'])
def test_weights_tell_their_training_metrics_and_checksum(tmp_path, monkeypatch, capsys, by):
    preset = dataclasses.replace(PRESETS['lite'], name='mine', prn=PRNConfig(height=4, width=3, nodes=5))
    path = tmp_path / 'mine.safetensors'
    save_weights(
        path,
        preset,
        {'prn': PoseResidualNetwork(preset.prn).state_dict()},
        training={'data': ['COCO train2017']},
        metrics={'keypoints': {'AP': 0.314}},
    )
    monkeypatch.setattr('mpn_ros.weights.find_model', {'mine': path}.__getitem__)
    assert main(['info', by(path)]) == 0
    out = capsys.readouterr().out
    for text in (str(path), 'prn', 'COCO train2017', '0.314', load_weights(path).metadata['sha256'], 'preset mine'):
        assert text in out


@pytest.mark.parametrize(('what', 'said'), [('no_such', 'r101_dilated, lite'), ('gone.safetensors', 'does not exist')])
def test_what_is_neither_preset_nor_file_ends_in_a_sentence(capsys, what, said):
    assert main(['info', what]) == 2
    error = capsys.readouterr().err
    assert what in error and said in error and error.count('\n') == 1
