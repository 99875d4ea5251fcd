"""A trained network and a trained PRN become one file, or a sentence says why not."""

import dataclasses
import json

import pytest
import torch

from mpn_ros.cli import main
from mpn_ros.network.multiposenet import MultiPoseNet
from mpn_ros.network.prn import PoseResidualNetwork
from mpn_ros.presets import preset
from mpn_ros.weights import load_weights, save_weights

LITE = preset('lite')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('trained')
    torch.manual_seed(0)
    averaged = MultiPoseNet(LITE).state_dict()
    torch.save(
        {'network': averaged, 'averaged': averaged, 'step': 7, 'config': {'stage': 'joint'}, 'preset': LITE.to_dict()},
        folder / 'checkpoint.pt',
    )
    prn = PoseResidualNetwork(LITE.prn, 17).state_dict()
    save_weights(folder / 'prn.safetensors', LITE, {'prn': prn}, training={'prn': {'labels': 'persons'}})
    small = dataclasses.replace(LITE, prn=dataclasses.replace(LITE.prn, nodes=8))
    save_weights(folder / 'small.safetensors', small, {'prn': PoseResidualNetwork(small.prn, 17).state_dict()})
    save_weights(folder / 'none.safetensors', LITE, {'network': averaged})
    (folder / 'metrics.json').write_text(json.dumps({'keypoints': {'AP': 0.5}}))
    return folder


def test_the_parts_and_what_is_known_of_them_are_joined(folder, tmp_path, capsys):
    out = tmp_path / 'lite.safetensors'
    assert (
        main(
            [
                'pack',
                str(out),
                '--network',
                str(folder / 'checkpoint.pt'),
                '--prn',
                str(folder / 'prn.safetensors'),
                '--metrics',
                str(folder / 'metrics.json'),
                '--data',
                'pictures',
            ]
        )
        == 0
    )
    weights = load_weights(out)
    weights.network(), weights.prn()
    assert weights.metadata['metrics'] == {'keypoints': {'AP': 0.5}}
    assert weights.metadata['training'] == {
        'network': {'stage': 'joint', 'step': 7},
        'data': 'pictures',
        'prn': {'prn': {'labels': 'persons'}},
    }
    assert 'network and prn' in capsys.readouterr().out


def test_a_prn_of_another_size_than_the_presets_is_what_the_file_says(folder, tmp_path):
    out = tmp_path / 'lite.safetensors'
    assert (
        main(['pack', str(out), '--network', str(folder / 'checkpoint.pt'), '--prn', str(folder / 'small.safetensors')])
        == 0
    )
    assert load_weights(out).preset.prn.nodes == 8 and load_weights(out).prn().config.nodes == 8


@pytest.mark.parametrize(
    ('arguments', 'sentence'),
    [
        (['--prn', 'none.safetensors'], 'holds no PRN'),
        (['--metrics', 'checkpoint.pt'], 'cannot be read as JSON'),
        (['--network', 'prn.safetensors'], 'not a training checkpoint'),
        (['--network', 'gone.pt'], 'not a training checkpoint'),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(folder, tmp_path, monkeypatch, capsys, arguments, sentence):
    monkeypatch.chdir(folder)
    network = [] if '--network' in arguments else ['--network', 'checkpoint.pt']
    assert main(['pack', str(tmp_path / 'out.safetensors'), *network, *arguments]) == 2
    error = capsys.readouterr().err
    assert sentence in error and error.count('\n') == 1
    assert not (tmp_path / 'out.safetensors').exists()


def test_what_decides_no_shape_may_be_changed(folder, tmp_path, capsys):
    out = tmp_path / 'lite.safetensors'
    command = ['pack', str(out), '--network', str(folder / 'checkpoint.pt'), '--prn', str(folder / 'prn.safetensors')]
    assert main([*command, '--set', 'prn.peak_threshold=0.03', 'input_size=512']) == 0
    assert load_weights(out).prn().config.peak_threshold == 0.03 and load_weights(out).preset.input_size == 512
    for wrong, sentence in (('prn.nodes=3', 'has shape'), ('prn.peak_threshold=2', 'must be between 0 and 1, not 2')):
        assert main([*command, '--set', wrong]) == 2
        assert sentence in capsys.readouterr().err


def test_a_share_of_another_checkpoint_is_blended_in(folder, tmp_path, capsys):
    state = torch.load(folder / 'checkpoint.pt', weights_only=True)
    before = state['averaged']
    state['averaged'] = {key: value + 1 if value.is_floating_point() else value for key, value in before.items()}
    torch.save(state, tmp_path / 'later.pt')
    out, key = tmp_path / 'out.safetensors', 'backbone.stem.conv.bias'
    command = ['pack', str(out), '--network', str(tmp_path / 'later.pt'), '--blend']
    assert main([*command, f'{folder / "checkpoint.pt"}=0.25']) == 0
    weights = load_weights(out)
    torch.testing.assert_close(torch.from_numpy(weights.parts['network'][key]), state['averaged'][key] - 0.25)
    assert weights.metadata['training']['blend'] == {'share': 0.25}
    state['averaged'].pop(key)
    torch.save(state, tmp_path / 'other.pt')
    assert main([*command, f'{tmp_path / "other.pt"}=0.5']) == 2
    assert 'the two networks to blend are not of one form' in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([*command, f'{tmp_path / "other.pt"}=2'])
