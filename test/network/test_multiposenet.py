"""The network's parts: shapes, strides and the switches of the presets."""

import dataclasses

import pytest
import torch
from torch import nn

from mpn_ros.network.anchors import make_anchors
from mpn_ros.network.keypoint_head import KeypointHead
from mpn_ros.network.mobilenet import MobileNet
from mpn_ros.network.multiposenet import MultiPoseNet
from mpn_ros.network.pyramid import DetectorPyramid, FeaturePyramid
from mpn_ros.presets import PRESETS, KeypointHeadConfig, PyramidConfig, preset


@pytest.fixture(scope='module')
def lite():
    torch.manual_seed(0)
    return MultiPoseNet(preset('lite')).eval()


def test_mobilenet_gives_c2_to_c5_at_their_strides():
    network = MobileNet()
    with torch.no_grad():
        maps = network(torch.zeros(1, 3, 64, 96))
    assert [tuple(m.shape[1:]) for m in maps] == [
        (c, 64 // s, 96 // s) for c, s in zip(network.channels, network.strides)
    ]
    assert sum(isinstance(m, nn.Conv2d) for m in network.modules()) == 52


@pytest.mark.parametrize('name', PRESETS)
def test_every_preset_builds_and_its_outputs_fit_its_anchors(name):
    with torch.device('meta'):
        network = MultiPoseNet(preset(name)).eval()
        output = network(torch.zeros(2, 3, 64, 96))
    anchors = make_anchors(64, 96, network.anchor_strides)
    assert output.heatmaps.shape == (2, 18, 16, 24)
    assert output.class_logits.shape == (2, len(anchors)) and output.box_offsets.shape == (2, len(anchors), 4)
    assert output.intermediate == ()


def test_training_mode_adds_a_heatmap_for_each_k_level(lite):
    lite.train()
    try:
        output = lite(torch.zeros(2, 3, 64, 64))
    finally:
        lite.eval()
    assert [tuple(level.shape) for level in output.intermediate] == [(2, 18, 64 // s, 64 // s) for s in (4, 8, 16, 32)]


def test_an_untrained_network_sees_nobody(lite):
    with torch.no_grad():
        output = lite(torch.zeros(1, 3, 64, 64))
    assert output.class_logits.sigmoid().max() < 0.1
    assert lite.keypoint_head.scores(output.heatmaps).max() < 0.1


def test_information_flows_down_the_pyramid_but_not_up():
    torch.manual_seed(0)
    pyramid = FeaturePyramid((4, 4, 4), PyramidConfig(width=8), smooth_coarsest=False)
    features = [torch.randn(1, 4, 16 // 2**i, 16 // 2**i) for i in range(3)]
    before = pyramid(features)
    coarse, fine = [f.clone() for f in features], [f.clone() for f in features]
    coarse[2] += 1
    fine[0] += 1
    assert all(not torch.equal(a, b) for a, b in zip(before, pyramid(coarse)))
    assert [torch.equal(a, b) for a, b in zip(before, pyramid(fine))] == [False, True, True]


def test_top_down_merged_and_smoothed_differ_where_a_level_was_smoothed():
    torch.manual_seed(0)
    merged = FeaturePyramid((4, 4, 4), PyramidConfig(width=8), smooth_coarsest=False)
    smoothed = FeaturePyramid((4, 4, 4), PyramidConfig(width=8, top_down='smoothed'), smooth_coarsest=False)
    smoothed.load_state_dict(merged.state_dict())
    features = [torch.randn(1, 4, 16 // 2**i, 16 // 2**i) for i in range(3)]
    same = [torch.equal(a, b) for a, b in zip(merged(features), smoothed(features))]
    assert same == [False, True, True]


def test_detector_pyramid_goes_to_p7():
    pyramid = DetectorPyramid((4, 4, 6), PyramidConfig(width=8))
    sizes = [
        tuple(p.shape)
        for p in pyramid([torch.zeros(1, 4, 32, 48), torch.zeros(1, 4, 16, 24), torch.zeros(1, 6, 8, 12)])
    ]
    assert sizes == [(1, 8, 32, 48), (1, 8, 16, 24), (1, 8, 8, 12), (1, 8, 4, 6), (1, 8, 2, 3)]


def test_without_concatenation_only_the_finest_level_counts():
    torch.manual_seed(0)
    head = KeypointHead(8, 3, 17, KeypointHeadConfig(width=4, fusion=4, concatenate=False))
    levels = [torch.randn(1, 8, 16 // 2**i, 16 // 2**i) for i in range(3)]
    assert torch.equal(head(levels), head([levels[0], levels[1] + 1, levels[2] + 1]))


def test_scores_follow_the_activation():
    raw = torch.tensor([-1.0, 0.0, 0.5, 2.0])
    linear = KeypointHead(8, 1, 17, KeypointHeadConfig(width=4, fusion=4))
    logits = KeypointHead(8, 1, 17, dataclasses.replace(linear.config, activation='sigmoid'))
    assert linear.scores(raw).tolist() == [0, 0, 0.5, 2]
    torch.testing.assert_close(logits.scores(raw), raw.sigmoid())


def test_a_dilated_mobilenet_computes_the_plain_one_more_densely():
    """Same weights, C5 at stride 16: where no padding reaches, every second cell is the strided network's."""
    torch.manual_seed(0)
    plain, dilated = MobileNet().eval(), MobileNet(dilated=True).eval()
    dilated.load_state_dict(plain.state_dict())
    with torch.no_grad():
        images = torch.randn(1, 3, 512, 512)
        *finer, coarse = plain(images)
        *same, dense = dilated(images)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(same, finer))
    assert dense.shape[-2:] == (32, 32) and coarse.shape[-2:] == (16, 16)
    inner = slice(5, 11)
    ours, theirs = dense[..., 1::2, 1::2][..., inner, inner], coarse[..., inner, inner]
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-3)
    assert theirs.std() > 1e-3
