from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from mpn_ros.errors import WeightsError
from mpn_ros.network.multiposenet import MultiPoseNet
from mpn_ros.network.prn import PoseResidualNetwork
from mpn_ros.presets import PRESETS, PRNConfig
from mpn_ros.skeleton import COCO, make_layout
from mpn_ros.weights import (
    expected_shapes,
    load_weights,
    resolve_weights,
    save_weights,
    shapes_of,
    tensor_digest,
)

PRESET = dataclasses.replace(PRESETS['lite'], prn=PRNConfig(height=8, width=6, nodes=12))


@pytest.fixture(scope='module')
def network() -> MultiPoseNet:
    torch.manual_seed(0)
    return MultiPoseNet(PRESET).eval()


@pytest.fixture(scope='module')
def prn() -> PoseResidualNetwork:
    torch.manual_seed(1)
    return PoseResidualNetwork(PRESET.prn, PRESET.keypoints).eval()


@pytest.fixture
def parts(prn):
    return {'prn': prn.state_dict(), 'ucr': {'prior': torch.rand(8, 6, 17)}}


@pytest.fixture
def saved(tmp_path, parts) -> Path:
    path = tmp_path / 'mine.safetensors'
    save_weights(path, PRESET, parts)
    return path


def rewrite(path: Path, *, tensors: dict | None = None, **metadata: str) -> None:
    """Writes the file anew with other tensors or metadata, as an editor of safetensors files could."""
    with safe_open(path, 'pt') as file:
        old = file.metadata()
    save_file(tensors or load_file(path), path, {**old, **metadata})


def refused(path: Path) -> str:
    with pytest.raises(WeightsError) as caught:
        load_weights(path)
    text = str(caught.value)
    assert str(path) in text and '\n' not in text
    return text


def test_a_network_and_its_prn_come_back_as_they_were(tmp_path, network, prn, parts):
    path = tmp_path / 'whole.safetensors'
    save_weights(
        path,
        PRESET,
        {'network': network.state_dict(), **parts},
        training={'data': ['COCO']},
        metrics={'keypoints': {'AP': 0.5}},
    )
    weights = load_weights(path)
    images, crops = torch.randn(1, 3, 64, 96), torch.rand(2, 8, 6, 17)
    loaded = weights.network()
    assert not loaded.training
    with torch.inference_mode():
        mine, theirs = loaded(images), network(images)
        for name in ('heatmaps', 'class_logits', 'box_offsets'):
            assert torch.equal(getattr(mine, name), getattr(theirs, name)), name
        assert torch.equal(weights.prn()(crops), prn(crops))
    np.testing.assert_array_equal(weights.ucr_prior(), parts['ucr']['prior'].numpy())
    assert weights.preset == PRESET and weights.source == str(path)
    assert weights.metadata['training'] == {'data': ['COCO']}
    assert weights.metadata['metrics'] == {'keypoints': {'AP': 0.5}}


def test_a_name_is_bytes(tmp_path, saved):
    path = saved.rename(tmp_path / os.fsdecode(b'caf\xe9.safetensors'))
    assert load_weights(path).preset == PRESET
    assert os.listdir(os.fsencode(tmp_path)) == [b'caf\xe9.safetensors']


def test_loaded_modules_are_in_eval_mode_and_independent(saved):
    weights = load_weights(saved)
    one, other = weights.prn(), weights.prn()
    assert not one.training
    with torch.no_grad():
        one.encode.bias.add_(1)
    assert not torch.equal(one.encode.bias, other.encode.bias)


def test_half_precision_halves_the_layers_and_keeps_the_rest(tmp_path, saved, parts):
    path = tmp_path / 'half.safetensors'
    save_weights(path, PRESET, parts, dtype=np.float16)
    stored = load_file(path)
    assert stored['prn.encode.weight'].dtype == torch.float16
    assert stored['prn.encode.bias'].dtype == stored['ucr.prior'].dtype == torch.float32
    assert path.stat().st_size < 0.6 * saved.stat().st_size
    loaded = load_weights(path).parts
    for part, state in parts.items():
        for key, value in state.items():
            assert loaded[part][key].dtype == np.float32
            np.testing.assert_allclose(loaded[part][key], value, rtol=1e-3, atol=1e-7)


def test_a_part_is_read_when_it_is_asked_for_and_not_from_another_file(saved, tmp_path, monkeypatch):
    monkeypatch.chdir(saved.parent)
    weights = load_weights(saved.name)
    monkeypatch.chdir('/')
    first, second = weights.parts['prn'], weights.parts['prn']
    assert first['encode.bias'] is not second['encode.bias']  # nobody keeps it
    np.testing.assert_array_equal(first['encode.bias'], second['encode.bias'])
    (tmp_path / 'other').write_bytes(saved.read_bytes())
    (tmp_path / 'other').replace(saved)
    assert 'prn' in weights.parts and 'neck' not in weights.parts, 'nothing is read to tell'
    with pytest.raises(WeightsError, match=f'{saved.name} has changed since it was opened'):
        weights.parts['prn']


def test_a_file_may_hold_one_part_alone(tmp_path, prn):
    path = tmp_path / 'prn.safetensors'
    save_weights(path, PRESET, {'prn': prn.state_dict()})
    weights = load_weights(path)
    weights.prn()
    with pytest.raises(WeightsError, match=r"prn.safetensors has no part 'network', only prn"):
        weights.network()


def test_values_that_are_not_finite_are_never_written(tmp_path, prn):
    path = tmp_path / 'prn.safetensors'
    state = prn.state_dict() | {'encode.weight': torch.full_like(prn.encode.weight, 1e6)}
    with pytest.raises(WeightsError, match="'prn.encode.weight' has values that are not finite in float16"):
        save_weights(path, PRESET, {'prn': state}, dtype=np.float16)
    assert not path.exists()


@pytest.mark.parametrize(
    ('change', 'said'),
    [
        (lambda state: state.pop('encode.bias'), "'prn.encode.bias' is missing"),
        (
            lambda state: state.update({'encode.bias': torch.zeros(3)}),
            r"'prn.encode.bias' has shape \(3,\) in place of \(12,\)",
        ),
        (lambda state: state.update(extra=torch.zeros(1)), "'prn.extra' has no place"),
    ],
)
def test_parts_that_are_not_the_presets_are_not_written(tmp_path, prn, change, said):
    state = dict(prn.state_dict())
    change(state)
    with pytest.raises(WeightsError, match=said):
        save_weights(tmp_path / 'x.safetensors', PRESET, {'prn': state})
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_the_old_file_and_no_other(saved, parts, monkeypatch):
    before = saved.read_bytes()

    def full(*_):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr('os.replace', full)
    with pytest.raises(WeightsError, match='cannot be written.*No space left'):
        save_weights(saved, PRESET, {'prn': parts['prn']})
    assert saved.read_bytes() == before and list(saved.parent.iterdir()) == [saved]


def test_others_may_read_what_the_umask_lets_them(saved):
    plain = saved.with_name('plain')
    plain.touch()
    assert saved.stat().st_mode == plain.stat().st_mode


def test_a_folder_that_is_not_there_is_named(tmp_path, prn):
    with pytest.raises(WeightsError, match='nowhere/x.safetensors cannot be written'):
        save_weights(tmp_path / 'nowhere' / 'x.safetensors', PRESET, {'prn': prn.state_dict()})


def test_a_missing_file_is_named(tmp_path):
    assert refused(tmp_path / 'none.safetensors').endswith('does not exist')


def test_a_folder_is_no_file(tmp_path):
    assert 'cannot be read' in refused(tmp_path)


@pytest.mark.parametrize('size', [0, 5, 1000, -1])
def test_a_file_cut_short_is_recognised(saved, size):
    content = saved.read_bytes()
    saved.write_bytes(content[:size])
    assert 'cut short' in refused(saved)


@pytest.mark.parametrize('zipped', [True, False])
def test_a_pickle_is_refused_unopened(tmp_path, zipped):
    path = tmp_path / 'model.pt'
    torch.save({'x': torch.zeros(1)}, path, _use_new_zipfile_serialization=zipped)
    text = refused(path)
    assert 'PyTorch checkpoint' in text and 'mpn convert' in text


def test_hdf5_is_sent_to_the_importer(tmp_path):
    path = tmp_path / 'model.h5'
    path.write_bytes(b'\x89HDF\r\n\x1a\n' + bytes(100))
    assert 'mpn convert' in refused(path)


def test_foreign_safetensors_are_refused(tmp_path):
    path = tmp_path / 'other.safetensors'
    save_file({'x': torch.zeros(1)}, path)
    assert 'not one of mpn_ros' in refused(path)


def test_another_version_is_refused(saved):
    rewrite(saved, version='2')
    assert 'version 2' in refused(saved)


def test_a_changed_value_fails_the_checksum(saved):
    tensors = load_file(saved)
    tensors['prn.encode.bias'][0] += 1
    rewrite(saved, tensors=tensors)
    assert 'checksum' in refused(saved)


def test_a_flipped_bit_fails_the_checksum(saved):
    content = bytearray(saved.read_bytes())
    content[-5] ^= 1
    saved.write_bytes(content)
    assert 'checksum' in refused(saved)


def test_values_that_are_not_finite_are_refused_whatever_the_checksum_says(saved):
    tensors = load_file(saved)
    tensors['prn.decode.bias'][3] = torch.nan
    rewrite(saved, tensors=tensors, sha256=tensor_digest(tensors))
    assert "'prn.decode.bias' has values that are not finite" in refused(saved)


def test_a_preset_that_the_tensors_do_not_fit_names_the_first_key(saved):
    preset = PRESET.to_dict()
    preset['prn']['nodes'] = 24
    rewrite(saved, preset=json.dumps(preset))
    assert "preset 'lite': 'prn.encode.weight' has shape (12, 816) in place of (24, 816)" in refused(saved)


@pytest.mark.parametrize('preset', ['{', '[]', '{"name": "x"}'])
def test_damaged_metadata_are_refused(saved, preset):
    rewrite(saved, preset=preset)
    assert 'damaged metadata' in refused(saved)


@pytest.mark.parametrize(
    ('change', 'said'),
    [
        ({'backbone': 'resnet18'}, "'resnet18'"),
        ({'layout': {'names': ['nose'], 'edges': [], 'flip': [0], 'sigmas': [0.1]}}, "'prn.encode.weight' has shape"),
    ],
)
def test_a_preset_that_cannot_be_is_refused(saved, change, said):
    rewrite(saved, preset=json.dumps({**PRESET.to_dict(), **change}))
    assert said in refused(saved)


def test_a_network_that_the_preset_does_not_build_is_refused_where_it_is_built(tmp_path, network):
    path = tmp_path / 'network.safetensors'
    save_weights(path, PRESET, {'network': network.state_dict()})
    rewrite(path, preset=json.dumps({**PRESET.to_dict(), 'input_size': 384, 'backbone': 'resnet50'}))
    weights = load_weights(path)
    assert weights.network_digest() == tensor_digest(network.state_dict())
    with pytest.raises(WeightsError, match=r"network.safetensors does not fit its preset 'lite': 'network\.backbone"):
        weights.network()


def test_a_type_of_number_that_we_never_write_is_refused(saved):
    tensors = load_file(saved)
    rewrite(saved, tensors=tensors | {'prn.encode.bias': tensors['prn.encode.bias'].bfloat16()})
    assert "'prn.encode.bias' has numbers of type BF16" in refused(saved)


def test_what_is_said_of_the_prn_without_torch_is_what_torch_builds():
    for layers in 1, 3:
        preset = dataclasses.replace(PRESET, prn=dataclasses.replace(PRESET.prn, layers=layers))
        assert expected_shapes(preset)['prn'] == shapes_of(PoseResidualNetwork(preset.prn, preset.keypoints))


def test_weights_may_know_other_keypoints(tmp_path):
    tail = make_layout(('head', 'left_ear', 'right_ear', 'tail'), ((0, 3),))
    preset = dataclasses.replace(PRESET, layout=tail)
    save_weights(tmp_path / 'fox.safetensors', preset, {'network': MultiPoseNet(preset).state_dict()})
    loaded = load_weights(tmp_path / 'fox.safetensors')
    assert loaded.preset == preset and loaded.preset.keypoints == 4
    assert loaded.network()(torch.zeros(1, 3, 64, 64)).heatmaps.shape == (1, 5, 16, 16)


def test_files_from_before_presets_had_a_layout_are_cocos(saved):
    old = PRESET.to_dict()
    del old['layout']
    rewrite(saved, preset=json.dumps({**old, 'keypoints': 17}), keypoints=json.dumps(COCO.names))
    assert load_weights(saved).preset == PRESET


def test_a_path_means_itself_and_a_name_what_ships(saved, monkeypatch):
    monkeypatch.setattr('mpn_ros.weights.find_model', lambda name: Path('/models') / f'{name}.safetensors')
    assert resolve_weights('lite') == Path('/models/lite.safetensors')
    assert resolve_weights(saved) == saved
    assert resolve_weights('some/where') == Path('some/where')
    assert resolve_weights('gone.safetensors') == Path('gone.safetensors')


def test_a_name_that_does_not_ship_is_refused():
    with pytest.raises(WeightsError, match="'no_such_weights'"):
        resolve_weights('no_such_weights')
