from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from mpn_ros.errors import PresetError
from mpn_ros.network.resnet import Bottleneck, ResNet


def parameters(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(('name', 'expected'), [('resnet50', 25_557_032), ('resnet101', 44_549_160)])
def test_parameters_are_the_published_ones_without_the_classifier(name, expected):
    with torch.device('meta'):
        assert parameters(ResNet(name)) == expected - (2048 * 1000 + 1000)


@pytest.mark.parametrize(
    ('name', 'strides'),
    [('resnet50', (4, 8, 16, 32)), ('resnet101', (4, 8, 16, 32)), ('resnet101_dilated', (4, 8, 16, 16))],
)
def test_features_have_the_announced_channels_and_strides(name, strides):
    with torch.device('meta'):
        net = ResNet(name)
        features = net(torch.empty(2, 3, 96, 64))
    assert net.strides == strides
    assert [tuple(f.shape) for f in features] == [(2, c, 96 // s, 64 // s) for c, s in zip(net.channels, strides)]


def test_plain_and_dilated_share_their_weights():
    with torch.device('meta'):
        plain, dilated = ResNet('resnet101').state_dict(), ResNet('resnet101_dilated').state_dict()
    assert {k: v.shape for k, v in plain.items()} == {k: v.shape for k, v in dilated.items()}


def test_keys_are_those_of_torchvision():
    with torch.device('meta'):
        keys = set(ResNet('resnet50').state_dict())
    norm = ('weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked')
    expected = {'conv1.weight', *(f'bn1.{n}' for n in norm)}
    for stage, blocks in enumerate((3, 4, 6, 3), start=1):
        for block in range(blocks):
            for i in (1, 2, 3):
                expected |= {f'layer{stage}.{block}.conv{i}.weight', *(f'layer{stage}.{block}.bn{i}.{n}' for n in norm)}
        expected |= {f'layer{stage}.0.downsample.0.weight', *(f'layer{stage}.0.downsample.1.{n}' for n in norm)}
    assert keys == expected


def test_an_imagenet_checkpoint_loads_with_its_classifier():
    with torch.device('meta'):
        net = ResNet('resnet50')
    state = {key: torch.zeros(value.shape, dtype=value.dtype) for key, value in net.state_dict().items()}
    state['layer4.2.conv3.weight'] += 3
    classifier = {'fc.weight': torch.zeros(1000, 2048), 'fc.bias': torch.zeros(1000)}
    net.load_state_dict({**state, **classifier}, assign=True)
    assert (net.layer4[2].conv3.weight == 3).all()
    with pytest.raises(RuntimeError, match='layer5'):
        net.load_state_dict({**state, 'layer5.weight': torch.zeros(1)}, assign=True)


def test_the_stride_is_on_the_3x3_convolution():
    block = Bottleneck(8, 4, stride=2)
    assert block.conv1.stride == (1, 1) and block.conv2.stride == (2, 2) and block.downsample[0].stride == (2, 2)


def test_bottleneck_computes_the_residual_function():
    torch.manual_seed(0)
    block = Bottleneck(8, 2).eval()
    x = torch.randn(1, 8, 5, 7)

    def norm(y, bn):
        return y / (1 + bn.eps) ** 0.5

    y = F.relu(norm(F.conv2d(x, block.conv1.weight), block.bn1))
    y = F.relu(norm(F.conv2d(y, block.conv2.weight, padding=1), block.bn2))
    y = F.relu(norm(F.conv2d(y, block.conv3.weight), block.bn3) + x)
    torch.testing.assert_close(block(x), y)


def last_stage(name: str) -> torch.nn.Module:
    with torch.device('meta'):
        stage = ResNet(name).layer4
    return stage.to_empty(device='cpu').eval()


def test_the_dilated_stage_samples_the_plain_one_densely():
    """On the plain network's grid, the dilated stage answers what the plain, strided stage answers."""
    torch.manual_seed(0)
    plain, dilated = last_stage('resnet101'), last_stage('resnet101_dilated')
    state = {
        key: torch.rand(value.shape) / max(1, value[:1].numel()) ** 0.5 if value.dim() else value
        for key, value in plain.state_dict().items()
    }
    for stage in (plain, dilated):
        stage.load_state_dict(state)
    c4 = torch.randn(1, 1024, 8, 8)
    with torch.inference_mode():
        torch.testing.assert_close(dilated(c4)[..., ::2, ::2], plain(c4))


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(PresetError, match="'resnet18'.*resnet50"):
        ResNet('resnet18')
