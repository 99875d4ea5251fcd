from __future__ import annotations

import dataclasses
import json

import pytest
import torch

from mpn_ros.errors import PresetError
from mpn_ros.network.anchors import make_anchors
from mpn_ros.network.multiposenet import MultiPoseNet
from mpn_ros.presets import PRESETS, Preset, override, preset

PAPER = ('r50', 'r101', 'r101_dilated')


@pytest.mark.parametrize('name', PRESETS)
def test_a_preset_survives_json(name):
    assert Preset.from_dict(json.loads(json.dumps(PRESETS[name].to_dict()))) == PRESETS[name]


@pytest.mark.parametrize('name', PRESETS)
def test_every_preset_builds_and_answers_at_its_own_size(name):
    size = PRESETS[name].input_size
    assert size % 32 == 0
    with torch.device('meta'):
        network = MultiPoseNet(PRESETS[name]).eval()
        output = network(torch.empty(1, 3, size, size))
    assert output.heatmaps.shape == (1, 18, size // 4, size // 4)
    anchors = make_anchors(size, size, network.anchor_strides)
    assert output.class_logits.shape == (1, len(anchors)) and output.box_offsets.shape == (1, len(anchors), 4)


@pytest.mark.parametrize('name', PAPER)
def test_the_papers_widths(name):
    """Section 3.2: K features of 256 channels, D of 128, joined to 512. Section 3.5: crops of 36 x 56."""
    with torch.device('meta'):
        head = MultiPoseNet(PRESETS[name]).keypoint_head
    assert [conv.weight.shape[:2] for conv in head.down[0] if hasattr(conv, 'weight')] == [(128, 256), (128, 128)]
    assert head.fusion.weight.shape[1] == 512
    assert (PRESETS[name].prn.height, PRESETS[name].prn.width) == (56, 36)


def test_a_preset_is_found_by_its_name():
    assert all(preset(name).name == name for name in PRESETS)


def test_an_unknown_preset_is_refused_with_the_known_ones():
    with pytest.raises(PresetError, match="'r18'; there are r50, r101, r101_dilated, lite"):
        preset('r18')


@pytest.mark.parametrize(
    'change',
    [
        lambda data: data.update(colour='red'),
        lambda data: data['prn'].update(depth=3),
        lambda data: data.pop('name'),
        lambda data: data.pop('preprocessing'),
        lambda data: data.update(detector=7),
        lambda data: data.update(preprocessing={'mean': 1, 'std': 2}),
        lambda data: data['layout'].update(flip=(0, 0)),
    ],
)
def test_what_describes_no_preset_is_refused(change):
    data = PRESETS['lite'].to_dict()
    change(data)
    with pytest.raises(PresetError, match='not the description of a preset'):
        Preset.from_dict(data)


def test_presets_cannot_be_changed_by_accident():
    with pytest.raises(dataclasses.FrozenInstanceError):
        PRESETS['lite'].prn.nodes = 7


@pytest.mark.parametrize(
    ('part', 'field'),
    [
        ('keypoint_pyramid', 'upsampling'),
        ('detector_pyramid', 'top_down'),
        ('keypoint_head', 'activation'),
        (None, 'backbone'),
    ],
)
def test_a_word_that_a_field_does_not_know_is_refused(part, field):
    data = PRESETS['lite'].to_dict()
    (data[part] if part else data)[field] = 'cubic'
    with pytest.raises(PresetError, match=f"{field} must be one of .*, not 'cubic'"):
        Preset.from_dict(data)


def test_fields_are_overridden_by_name():
    changed = override(
        preset('lite'),
        [
            'backbone=mobilenet_dilated',
            'keypoint_head.concatenate=false',
            'prn.residual=2',
            'prn.nodes=7',
            'input_size=512',
        ],
    )
    assert changed == dataclasses.replace(
        preset('lite'),
        backbone='mobilenet_dilated',
        keypoint_head=dataclasses.replace(preset('lite').keypoint_head, concatenate=False),
        prn=dataclasses.replace(preset('lite').prn, residual=2.0, nodes=7),
        input_size=512,
    )


@pytest.mark.parametrize(
    'assignment',
    ['colour=red', 'prn.depth=3', 'neck.width=3', 'prn=3', 'prn.nodes', 'prn.nodes=many', 'prn.nodes=true', '=3',
     'keypoint_head.concatenate=1', 'backbone=resnet18'],
)  # fmt: skip
def test_what_does_not_fit_a_preset_is_named(assignment):
    with pytest.raises(PresetError) as error:
        override(preset('lite'), [assignment])
    assert assignment in str(error.value) or "not 'resnet18'" in str(error.value)
