"""Imports are tested on files made here by the published description, which the reference forward passes follow too."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mpn_ros.cli import main
from mpn_ros.convert import PUBLISHED_PRN, import_limeng95, import_prn, limeng95_shapes
from mpn_ros.errors import WeightsError
from mpn_ros.network.anchors import decode_boxes, make_anchors
from mpn_ros.presets import PRESETS, DetectorConfig, KeypointHeadConfig, PyramidConfig
from mpn_ros.skeleton import COCO
from mpn_ros.weights import load_weights, save_weights

h5py = pytest.importorskip('h5py', reason="h5py, of the extra 'convert', is not installed")

THEIR_KEYPOINTS = (
    'nose neck right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist right_hip '
    'right_knee right_ankle left_hip left_knee left_ankle right_eye left_eye right_ear left_ear'
).split()
THEIR_17 = [name for name in THEIR_KEYPOINTS if name != 'neck']

SMALL_PRN = dataclasses.replace(PUBLISHED_PRN, height=4, width=3, nodes=5)
SMALL = dataclasses.replace(
    PRESETS['r50'],
    name='small',
    keypoint_pyramid=PyramidConfig(width=8),
    detector_pyramid=PyramidConfig(width=8),
    keypoint_head=KeypointHeadConfig(width=4, fusion=6),
    detector=DetectorConfig(width=7),
)

Shapes = dict[str, tuple[int, ...]]
State = dict[str, torch.Tensor]


def published_shapes(
    blocks: tuple[int, ...],
    width: int = 256,
    d: int = 128,
    fusion: int = 256,
    head: int = 256,
    cells: int = 56 * 36 * 17,
    nodes: int = 1024,
) -> Shapes:
    """Keys and shapes of LiMeng95's checkpoint."""
    shapes: Shapes = {}

    def conv(name: str, outputs: int, inputs: int, kernel: int, bias: bool = True) -> None:
        shapes[f'{name}.weight'] = (outputs, inputs, kernel, kernel)
        if bias:
            shapes[f'{name}.bias'] = (outputs,)

    def norm(name: str, channels: int) -> None:
        shapes.update({f'{name}.{key}': (channels,) for key in ('weight', 'bias', 'running_mean', 'running_var')})

    conv('fpn.conv1', 64, 3, 7, bias=False)
    norm('fpn.bn1', 64)
    inputs = 64
    for stage, count in enumerate(blocks):
        narrow, wide = 64 * 2**stage, 256 * 2**stage
        for block in range(count):
            name = f'fpn.layer{stage + 1}.{block}'
            for i, (o, c, k) in enumerate(((narrow, inputs, 1), (narrow, narrow, 3), (wide, narrow, 1)), start=1):
                conv(f'{name}.conv{i}', o, c, k, bias=False)
                norm(f'{name}.bn{i}', o)
            if block == 0:
                conv(f'{name}.downsample.0', wide, inputs, 1, bias=False)
                norm(f'{name}.downsample.1', wide)
            inputs = wide
    for name, channels in {
        'latlayer1': 2048,
        'latlayer2': 1024,
        'latlayer3': 512,
        'toplayer': 2048,
        'flatlayer1': 1024,
        'flatlayer2': 512,
        'flatlayer3': 256,
    }.items():
        conv(f'fpn.{name}', width, channels, 1)
    for name in ('toplayer0', 'toplayer1', 'toplayer2', 'smooth1', 'smooth2', 'smooth3', 'conv7'):
        conv(f'fpn.{name}', width, width, 3)
    conv('fpn.conv6', width, 2048, 3)
    for i in range(1, 5):
        conv(f'convt{i}', d, width, 3)
        conv(f'convs{i}', d, d, 3)
        conv(f'convfin_k{i + 1}', 19, width, 1)
    conv('conv2', fusion, 4 * d, 3)
    conv('convfin', 18, fusion, 1)
    for name, outputs in (('regressionModel', 36), ('classificationModel', 9)):
        for i in range(1, 5):
            conv(f'{name}.conv{i}', head, width if i == 1 else head, 3)
        conv(f'{name}.output', outputs, head, 3)
    shapes.update({f'prn.{key}': shape for key, shape in prn_shapes(cells, nodes).items()})
    return shapes


def prn_shapes(cells: int, nodes: int) -> Shapes:
    """Keys and shapes of the authors' PRN."""
    return {
        'dens1.weight': (nodes, cells),
        'dens1.bias': (nodes,),
        'bneck.weight': (nodes, nodes),
        'bneck.bias': (nodes,),
        'dens2.weight': (cells, nodes),
        'dens2.bias': (cells,),
    }


def random_values(shapes: Shapes) -> State:
    """Values that keep activations near 1 through the whole depth, with no two layers alike."""
    generator = torch.Generator().manual_seed(3)
    state = {}
    for key, shape in shapes.items():
        value = torch.randn(shape, generator=generator)
        if key.endswith('running_var'):
            value = 0.5 + value.abs()
        elif len(shape) > 1:
            value *= (2 / math.prod(shape[1:])) ** 0.5
        elif key.endswith('.weight'):
            value = 0.5 + 0.1 * value
        else:
            value *= 0.1
        state[key] = value
    return state


def published_forward(state: State, image: torch.Tensor) -> dict[str, torch.Tensor | list[torch.Tensor]]:
    """LiMeng95's network as it is described, straight on the tensors of the file."""

    def conv(x, name, stride=1):
        weight = state[f'{name}.weight']
        return F.conv2d(x, weight, state.get(f'{name}.bias'), stride, weight.shape[-1] // 2)

    def norm(x, name):
        mean, var, weight, bias = (state[f'{name}.{key}'] for key in ('running_mean', 'running_var', 'weight', 'bias'))
        return F.batch_norm(x, mean, var, weight, bias)

    def up(x, factor):
        return F.interpolate(x, scale_factor=factor, mode='nearest')

    x = F.max_pool2d(F.relu(norm(conv(image, 'fpn.conv1', 2), 'fpn.bn1')), 3, 2, 1)
    c = []
    for stage in range(1, 5):
        block = 0
        while f'fpn.layer{stage}.{block}.conv1.weight' in state:
            name, stride = f'fpn.layer{stage}.{block}', 2 if stage > 1 and block == 0 else 1
            y = F.relu(norm(conv(x, f'{name}.conv1'), f'{name}.bn1'))
            y = F.relu(norm(conv(y, f'{name}.conv2', stride), f'{name}.bn2'))
            y = norm(conv(y, f'{name}.conv3'), f'{name}.bn3')
            if block == 0:
                x = norm(conv(x, f'{name}.downsample.0', stride), f'{name}.downsample.1')
            x, block = F.relu(x + y), block + 1
        c.append(x)
    c2, c3, c4, c5 = c

    p6 = conv(c5, 'fpn.conv6', 2)
    p7 = conv(F.relu(p6), 'fpn.conv7', 2)
    p5 = conv(c5, 'fpn.latlayer1')
    p4 = up(p5, 2) + conv(c4, 'fpn.latlayer2')
    p3 = up(p4, 2) + conv(c3, 'fpn.latlayer3')
    pyramid = [conv(p3, 'fpn.toplayer2'), conv(p4, 'fpn.toplayer1'), conv(p5, 'fpn.toplayer0'), p6, p7]

    k5 = conv(c5, 'fpn.toplayer')
    k4 = up(k5, 2) + conv(c4, 'fpn.flatlayer1')
    k3 = up(k4, 2) + conv(c3, 'fpn.flatlayer2')
    k2 = up(k3, 2) + conv(c2, 'fpn.flatlayer3')
    k4, k3, k2 = conv(k4, 'fpn.smooth1'), conv(k3, 'fpn.smooth2'), conv(k2, 'fpn.smooth3')
    d5, d4, d3, d2 = (conv(conv(k, f'convt{i}'), f'convs{i}') for i, k in enumerate((k5, k4, k3, k2), start=1))
    joined = torch.cat([up(d5, 8), up(d4, 4), up(d3, 2), d2], 1)

    def subnet(name, outputs):
        levels = []
        for x in pyramid:
            for i in range(1, 5):
                x = F.relu(conv(x, f'{name}.conv{i}'))
            levels.append(conv(x, f'{name}.output').permute(0, 2, 3, 1).reshape(len(x), -1, outputs))
        return torch.cat(levels, 1)

    return {
        'heatmaps': conv(F.relu(conv(joined, 'conv2')), 'convfin'),
        'intermediate': [conv(k, f'convfin_k{i}') for i, k in zip((2, 3, 4, 5), (k2, k3, k4, k5))],
        'scores': subnet('classificationModel', 1)[..., 0].sigmoid(),
        'boxes': published_boxes(subnet('regressionModel', 4)[0].numpy(), *image.shape[-2:]),
    }


def published_boxes(offsets: np.ndarray, height: int, width: int) -> torch.Tensor:
    """RetinaNet's boxes: cells row by row, in each the ratios (h/w) .5, 1, 2 and in each of those three scales."""
    boxes = []
    for stride, size in ((8, 32), (16, 64), (32, 128), (64, 256), (128, 512)):
        for row in range(math.ceil(height / stride)):
            for column in range(math.ceil(width / stride)):
                for ratio in (0.5, 1, 2):
                    for scale in (1, 2 ** (1 / 3), 2 ** (2 / 3)):
                        w, h = size * scale / ratio**0.5, size * scale * ratio**0.5
                        dx, dy, dw, dh = offsets[len(boxes)] * (0.1, 0.1, 0.2, 0.2)
                        x, y = (column + 0.5) * stride + dx * w, (row + 0.5) * stride + dy * h
                        w, h = w * math.exp(dw), h * math.exp(dh)
                        boxes.append((x - w / 2, y - h / 2, x + w / 2, y + h / 2))
    return torch.tensor(boxes, dtype=torch.float32)


def published_prn(state: State, crops: torch.Tensor, prefix: str = '') -> torch.Tensor:
    """The authors' PRN on crops ``(P, height, width, 17)`` in the order of its keypoints."""

    def dense(x, name):
        return F.relu(F.linear(x, state[f'{prefix}{name}.weight'], state[f'{prefix}{name}.bias']))

    flat = crops.flatten(1)
    return (dense(dense(dense(flat, 'dens1'), 'bneck'), 'dens2') + flat).softmax(1).view_as(crops)


def write_hdf5(path: Path, shapes: Shapes, values: State | None = None, prefix: str = '') -> Path:
    """A file with these keys; zeros where there is no value, for which HDF5 stores nothing."""
    with h5py.File(path, 'w') as file:
        for key, shape in shapes.items():
            data = None if values is None or key not in values else values[key].numpy()
            file.create_dataset(prefix + key, shape, 'f4', data)
        file.attrs['epoch'] = 20
    return path


@pytest.fixture
def small_prn(monkeypatch) -> None:
    """A PRN of a few cells in place of 71 million weights."""
    monkeypatch.setattr('mpn_ros.convert.PUBLISHED_PRN', SMALL_PRN)


@pytest.fixture(scope='module')
def small_shapes() -> Shapes:
    return published_shapes((3, 4, 6, 3), width=8, d=4, fusion=6, head=7, cells=4 * 3 * 17, nodes=5)


@pytest.mark.parametrize(
    ('name', 'blocks', 'tensors', 'values'),
    [('r50', (3, 4, 6, 3), 349, 113_385_771), ('r101', (3, 4, 23, 3), 604, 132_430_123)],
)
def test_limeng95_has_the_published_keys_and_shapes(name, blocks, tensors, values):
    shapes = limeng95_shapes(dataclasses.replace(PRESETS[name], prn=PUBLISHED_PRN))
    assert shapes == published_shapes(blocks)
    assert len(shapes) == tensors and sum(map(math.prod, shapes.values())) == values


def test_limeng95_computes_what_it_computed(tmp_path, small_prn, small_shapes):
    state = random_values(small_shapes)
    imported = import_limeng95(write_hdf5(tmp_path / 'ckpt.h5', small_shapes, state), SMALL)
    save_weights(tmp_path / 'ours.safetensors', imported.preset, imported.parts, training=imported.training)
    weights = load_weights(tmp_path / 'ours.safetensors')
    network, image = weights.network(), torch.randn(1, 3, 96, 160, generator=torch.Generator().manual_seed(4))
    with torch.inference_mode():
        ours, theirs = network(image), published_forward(state, image)
        levels = network.intermediate(network.keypoint_pyramid(network.backbone(image)))

    to_coco = [THEIR_KEYPOINTS.index(name) for name in COCO.names]
    close = {'rtol': 1e-4, 'atol': 1e-4}
    assert theirs['heatmaps'].std() > 0.1, 'the reference is too dull to tell layers apart'
    torch.testing.assert_close(ours.heatmaps[:, :17], theirs['heatmaps'][:, to_coco], **close)
    for level, reference in zip(levels, theirs['intermediate'], strict=True):
        torch.testing.assert_close(level[:, :17], reference[:, to_coco], **close)
    torch.testing.assert_close(ours.class_logits.sigmoid(), theirs['scores'], **close)
    boxes = decode_boxes(ours.box_offsets[0], make_anchors(96, 160, network.anchor_strides))
    torch.testing.assert_close(boxes, theirs['boxes'], rtol=1e-4, atol=1e-2)
    assert not ours.heatmaps[:, 17].any(), 'the mask was never trained and must stay empty'

    crops = torch.rand(2, 4, 3, 17)
    with torch.inference_mode():
        theirs = published_prn(state, crops[..., [COCO.names.index(name) for name in THEIR_17]], 'prn.')
        torch.testing.assert_close(
            weights.prn().probabilities(crops), theirs[..., [THEIR_17.index(name) for name in COCO.names]]
        )
    assert weights.metadata['training']['imported'].startswith('LiMeng95/')


def without(key: str) -> Callable[[Shapes], object]:
    return lambda shapes: shapes.pop(key)


def replaced(key: str, *shape: int) -> Callable[[Shapes], object]:
    return lambda shapes: shapes.update({key: shape})


@pytest.mark.parametrize(
    ('change', 'said'),
    [
        (without('fpn.layer3.5.bn2.running_var'), "'fpn.layer3.5.bn2.running_var' is missing"),
        (without('prn.bneck.bias'), "'prn.bneck.bias' is missing"),
        (replaced('convfin.bias', 17), "'convfin.bias' has shape (17,) in place of (18,)"),
        (replaced('fpn.layer3.6.conv1.weight', 256, 1024, 1, 1), "'fpn.layer3.6.conv1.weight' has no place"),
        (replaced('convfin_k6.bias', 19), "'convfin_k6.bias' has no place"),
    ],
)
def test_a_file_that_is_not_limeng95s_names_the_first_key(tmp_path, small_prn, small_shapes, change, said):
    shapes = dict(small_shapes)
    change(shapes)
    path = write_hdf5(tmp_path / 'other.h5', shapes)
    with pytest.raises(WeightsError) as caught:
        import_limeng95(path, SMALL)
    assert str(path) in str(caught.value) and said in str(caught.value)


def test_keys_of_a_parallel_model_and_of_newer_torch_are_no_obstacle(tmp_path, small_prn, small_shapes):
    path = write_hdf5(tmp_path / 'resaved.h5', small_shapes, {'fpn.bn1.bias': torch.arange(64.0)}, prefix='module.')
    with h5py.File(path, 'a') as file:
        file.create_dataset('module.fpn.bn1.num_batches_tracked', data=np.int64(7))
    assert torch.equal(import_limeng95(path, SMALL).parts['network']['backbone.bn1.bias'], torch.arange(64.0))


@pytest.mark.parametrize('content', [b'', b'not HDF5 at all', b'\x89HDF\r\n\x1a\n' + bytes(50)])
def test_what_is_not_hdf5_is_refused(tmp_path, content):
    path = tmp_path / 'ckpt.h5'
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r'ckpt.h5 is not an HDF5 file, or cut short'):
        import_limeng95(path, SMALL)


def test_a_file_that_claims_more_than_there_is_memory_is_refused_unread(tmp_path):
    with h5py.File(tmp_path / 'huge.h5', 'w') as file:
        file.create_dataset('fpn.conv1.weight', (2**20, 2**20), 'f4', chunks=(1024, 1024))
    assert (tmp_path / 'huge.h5').stat().st_size < 10_000
    with pytest.raises(WeightsError, match=f'claims to hold {2**40} values'):
        import_limeng95(tmp_path / 'huge.h5', SMALL)


@pytest.mark.parametrize('zipped', [True, False])
def test_the_authors_prn_computes_what_it_computed(tmp_path, small_prn, zipped):
    state = random_values(prn_shapes(4 * 3 * 17, 5))
    path = tmp_path / 'PRN.pth.tar'
    torch.save(
        {'epoch': 16, 'state_dict': state, 'optimizer': {'state': {0: {'step': 1}}, 'param_groups': []}},
        path,
        _use_new_zipfile_serialization=zipped,
    )
    imported = import_prn(path, SMALL)
    save_weights(tmp_path / 'prn.safetensors', imported.preset, imported.parts, training=imported.training)
    prn, crops = load_weights(tmp_path / 'prn.safetensors').prn(), torch.rand(3, 4, 3, 17)
    with torch.inference_mode():
        torch.testing.assert_close(prn.probabilities(crops), published_prn(state, crops))
    assert 'noncommercial' in imported.training['licence']


class Harmful:
    """Would leave a file behind if it were ever unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_pickle_that_would_run_code_is_refused_unrun(tmp_path):
    path, trace = tmp_path / 'PRN.pth.tar', tmp_path / 'ran'
    torch.save({'state_dict': Harmful(trace)}, path)
    with pytest.raises(WeightsError, match='would run code'):
        import_prn(path, SMALL)
    assert not trace.exists()


@pytest.mark.parametrize('content', [b'', b'text', b'PK\x03\x04 and no more'])
def test_what_is_no_checkpoint_is_refused(tmp_path, content):
    path = tmp_path / 'PRN.pth.tar'
    path.write_bytes(content)
    with pytest.raises(WeightsError, match='PRN.pth.tar is not a PyTorch checkpoint'):
        import_prn(path, SMALL)


@pytest.mark.parametrize(
    ('checkpoint', 'said'),
    [
        ({'weights': {}}, "no 'state_dict'"),
        ([1, 2], "no 'state_dict'"),
        ({'state_dict': {'dens1.weight': 3}}, "no 'state_dict'"),
        ({'state_dict': {}}, "'dens1.weight' is missing"),
        ({'state_dict': {'dens1.weight': torch.zeros(2, 2)}}, "'dens1.weight' has shape (2, 2) in place of (5, 204)"),
    ],
)
def test_a_checkpoint_of_something_else_is_refused(tmp_path, small_prn, checkpoint, said):
    path = tmp_path / 'PRN.pth.tar'
    torch.save(checkpoint, path)
    with pytest.raises(WeightsError) as caught:
        import_prn(path, SMALL)
    assert str(path) in str(caught.value) and said in str(caught.value)


def test_the_command_imports_a_network(tmp_path, small_prn, small_shapes, monkeypatch, capsys):
    monkeypatch.setitem(PRESETS, 'small', SMALL)
    source, out = write_hdf5(tmp_path / 'ckpt.h5', small_shapes), tmp_path / 'ours.safetensors'
    assert main(['convert', str(source), str(out), '--format', 'limeng95', '--preset', 'small']) == 0
    assert 'preset small, network and prn' in capsys.readouterr().out
    assert load_weights(out).preset == dataclasses.replace(SMALL, prn=SMALL_PRN)


def test_the_command_puts_a_prn_beside_a_network(tmp_path, small_prn):
    from mpn_ros.network.multiposenet import MultiPoseNet

    network = MultiPoseNet(PRESETS['lite'])
    save_weights(
        tmp_path / 'base.safetensors', PRESETS['lite'], {'network': network.state_dict()}, training={'epochs': 3}
    )
    torch.save({'state_dict': random_values(prn_shapes(4 * 3 * 17, 5))}, tmp_path / 'PRN.pth.tar')
    out = tmp_path / 'joined.safetensors'
    assert (
        main(
            [
                'convert',
                str(tmp_path / 'PRN.pth.tar'),
                str(out),
                '--format',
                'prn',
                '--network',
                str(tmp_path / 'base.safetensors'),
            ]
        )
        == 0
    )
    weights = load_weights(out)
    assert weights.preset == dataclasses.replace(PRESETS['lite'], prn=SMALL_PRN)
    assert set(weights.parts) == {'network', 'prn'} and weights.metadata['training']['network'] == {'epochs': 3}


@pytest.mark.parametrize(
    ('arguments', 'said'),
    [
        (['no.h5', 'out.safetensors', '--format', 'limeng95'], 'no.h5 does not exist'),
        (['no.tar', 'out.safetensors', '--format', 'prn'], 'no.tar does not exist'),
        (['no.h5', 'out.pt', '--format', 'limeng95'], 'out.pt must end in .safetensors'),
        (['no.h5', 'out.safetensors', '--format', 'limeng95', '--preset', 'r18'], "no preset is called 'r18'"),
        (['no.h5', 'out.safetensors', '--format', 'limeng95', '--network', 'x'], '--network goes with --format prn'),
    ],
)
def test_wrong_arguments_end_in_a_sentence(tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    assert main(['convert', *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count('\n') == 1 and not list(tmp_path.iterdir())
