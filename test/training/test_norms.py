"""BatchNorm put back changes nothing, whichever way one goes."""

import dataclasses

import pytest
import torch

from mpn_ros.errors import ParameterError
from mpn_ros.network.multiposenet import MultiPoseNet
from mpn_ros.presets import preset
from mpn_ros.training.norms import folded, has_norms, make_norms, make_norms_of, restore_norms, without_norms
from mpn_ros.weights import load_weights, resolve_weights, shapes_of

LATE = 'backbone.stages.2', 'backbone.stages.3', 'backbone.stages.4', 'backbone.stages.5', 'backbone.stages.6'


def late(name):
    return name.startswith(LATE)


@pytest.fixture(scope='module')
def lite():
    return load_weights(resolve_weights('lite'))


@pytest.fixture(scope='module')
def images():
    """Smooth shapes; noise alone would show a network nothing that it knows."""
    random = torch.Generator().manual_seed(0)
    coarse = torch.randn(4, 3, 6, 6, generator=random)
    return torch.nn.functional.interpolate(coarse, size=(96, 96), mode='bilinear') * 0.5


def outputs(network, images):
    with torch.no_grad():
        output = network.eval()(images)
    return output.heatmaps, output.class_logits, output.box_offsets


def assert_same(network, other, images):
    for one, two in zip(outputs(network, images), outputs(other, images)):
        torch.testing.assert_close(one, two, atol=1e-3, rtol=1e-3)


def test_the_network_computes_what_it_did_with_its_norms_and_when_they_are_folded_again(lite, images):
    before, network = lite.network(), lite.network()
    restore_norms(network, images, late)
    state = network.state_dict()
    assert has_norms(state) and not has_norms(before.state_dict())
    assert_same(before, network, images)
    assert_same(before, network, images.flip(-1))
    plain = MultiPoseNet(lite.preset)
    plain.load_state_dict(without_norms(lite.preset, state))
    assert_same(before, plain, images.flip(-1))
    assert shapes_of(folded(network)) == shapes_of(before)
    assert has_norms(network.state_dict()), 'folded works on a copy'


def test_rows_and_streams_have_one_size_afterwards(lite, images):
    network = lite.network()
    restore_norms(network, images, late)
    seen = {}
    for name, module in network.named_modules():
        if isinstance(module, torch.nn.Conv2d) and late(name):
            module.register_forward_hook(lambda _, __, out, name=name: seen.update({name: out.std((0, 2, 3))}))
    network.backbone.stages[3].register_forward_hook(lambda _, __, out: seen.update(stream=out.std((0, 2, 3))))
    outputs(network, images)
    spread = torch.cat([values for name, values in seen.items() if name != 'stream'])
    assert ((spread - 1).abs() < 0.02).float().mean() > 0.9  # the rest are dead on these pictures
    torch.testing.assert_close(seen['stream'], torch.ones_like(seen['stream']), atol=0.02, rtol=0)


def test_only_what_is_wanted_gets_norms_and_they_come_back_from_a_state_dict(lite, images):
    network = lite.network()
    restore_norms(network, images, late)
    state = network.state_dict()
    assert not any('.norm.' in key for key in state if key.startswith(('backbone.stages.1', 'backbone.stem')))
    again = MultiPoseNet(lite.preset)
    make_norms_of(again, state)
    again.load_state_dict(state)
    assert_same(network, again, images)


def test_weights_without_norms_stay_as_they_are(lite):
    state = lite.network().state_dict()
    assert all(value is state[key] for key, value in without_norms(lite.preset, state).items())


def test_the_norms_that_a_backbone_has_of_its_own_are_not_folded():
    network = MultiPoseNet(preset('r50'))
    assert shapes_of(folded(network)) == shapes_of(network)


def test_a_backbone_that_has_its_norms_is_refused():
    network = MultiPoseNet(dataclasses.replace(preset('r50')))
    with pytest.raises(ParameterError, match="the backbone of preset 'r50' has its BatchNorm already"):
        make_norms(network, late)
