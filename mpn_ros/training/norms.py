"""BatchNorm put back into a backbone whose convolutions have swallowed theirs, so that it can be trained again.

MoveNet's weights, and so ours, are those of a network whose BatchNorm is folded into its convolutions: within a layer
rows differ in size by a factor of a hundred, and so do the channels of a residual stream. An optimizer that moves every
weight by the same step destroys the small ones at once. What is put back here changes nothing of what the network
computes; ``without_norms`` folds it again.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from mpn_ros.backends.folding import fold_batchnorm
from mpn_ros.errors import ParameterError
from mpn_ros.network.mobilenet import Convolution, InvertedResidual, MobileNet
from mpn_ros.network.multiposenet import MultiPoseNet
from mpn_ros.network.pyramid import FeaturePyramid
from mpn_ros.presets import Preset

_DEAD = 1e-3  # a channel that varies less says nothing whose size could be told
_NORM = '.norm.'  # of the keys that BatchNorm adds


def make_norms(network: MultiPoseNet, wanted: Callable[[str], bool]) -> list[Convolution]:
    """Puts a new BatchNorm behind each convolution of the backbone that is ``wanted`` by its layer's name, as
    'backbone.stages.2.0.layers.1'; returns those layers. Raises ParameterError for another backbone than the one
    without BatchNorm."""
    if not isinstance(network.backbone, MobileNet):
        raise ParameterError(f"the backbone of preset '{network.preset.name}' has its BatchNorm already")
    layers = [
        layer
        for name, layer in network.named_modules()
        if isinstance(layer, Convolution) and name.startswith('backbone.') and wanted(name)
    ]
    for layer in layers:
        layer.norm = nn.BatchNorm2d(layer.conv.out_channels).train(layer.training)
    return layers


@torch.no_grad()
def restore_norms(network: MultiPoseNet, images: Tensor, wanted: Callable[[str], bool]) -> None:
    """``make_norms`` with the statistics of normalised ``images`` ``(B, 3, H, W)``; each residual stream is brought to
    one size first. Gain and offset undo what the statistics do, so that the network computes what it did.

    Raises ParameterError as ``make_norms``.
    """
    network.eval()
    if isinstance(network.backbone, MobileNet):
        even_streams(network, images)
    layers = make_norms(network, wanted)
    handles = [layer.conv.register_forward_hook(_measure_into(layer)) for layer in layers]
    network.backbone(images)
    for handle in handles:
        handle.remove()


def _measure_into(layer: Convolution) -> Callable[[nn.Module, object, Tensor], Tensor]:
    """A hook that divides each row of the layer's convolution by the deviation of what comes out of it, and makes of
    the BatchNorm behind it what undoes that; it returns what comes out then."""

    def measure(conv: nn.Module, _: object, output: Tensor) -> Tensor:
        norm = layer.norm
        assert isinstance(conv, nn.Conv2d) and conv.bias is not None and isinstance(norm, nn.BatchNorm2d)
        mean, variance = output.mean((0, 2, 3)), output.var((0, 2, 3), unbiased=False)
        deviation = variance.clamp(min=_DEAD**2).sqrt()
        scaled = (output - conv.bias[:, None, None]) / deviation[:, None, None]
        assert norm.running_mean is not None and norm.running_var is not None
        norm.running_mean.copy_((mean - conv.bias) / deviation)
        norm.running_var.copy_(variance / deviation**2)
        norm.weight.copy_(deviation * (norm.running_var + norm.eps).sqrt())
        norm.bias.copy_(mean)
        conv.weight.div_(deviation[:, None, None, None])
        conv.bias.zero_()
        return scaled

    return measure


@torch.no_grad()
def even_streams(network: MultiPoseNet, images: Tensor) -> None:
    """Scales every channel of the backbone's residual streams to a deviation of 1 on normalised ``images``
    ``(B, 3, H, W)``, and what reads it back: the function stays the same. ``network`` is in eval mode."""
    backbone = network.backbone
    assert isinstance(backbone, MobileNet)
    readers = _readers_of_streams(network, backbone)
    x = backbone.stem(images)
    for number, stage in enumerate(backbone.stages):
        x = stage(x)
        deviation = x.std((0, 2, 3))
        scales = torch.where(deviation > _DEAD, 1 / deviation.clamp(min=_DEAD), torch.ones_like(deviation))
        for index, block in enumerate(_blocks(stage)):
            first, *_, last = block.convolutions()
            if index:
                _scale_inputs(first, 1 / scales)
            _scale_outputs(last, scales)
        for conv, start in readers[number]:
            _scale_inputs(conv, 1 / scales, start)
        x = x * scales[:, None, None]


def _blocks(stage: nn.Module) -> list[InvertedResidual]:
    return [block for block in stage.children() if isinstance(block, InvertedResidual)]


def _readers_of_streams(network: MultiPoseNet, backbone: MobileNet) -> list[list[tuple[nn.Conv2d, int]]]:
    """For each stage the convolutions behind it that read its stream, and from which of their input channels on: the
    next stage or the head, and the laterals of both pyramids. C4 is two stages side by side."""
    stages = [_blocks(stage)[0].convolutions() for stage in backbone.stages]
    following = [*(stage[0] for stage in stages[1:]), backbone.head.conv]
    readers = [[(conv, 0)] for conv in following]
    keypoints, boxes = _laterals(network.keypoint_pyramid), _laterals(network.detector_pyramid.pyramid)
    for stage, level, start in ((1, 0, 0), (2, 1, 0), (3, 2, 0), (4, 2, stages[3][-1].out_channels)):
        readers[stage].append((keypoints[level], start))
        if level:  # the detector has no level at stride 4
            readers[stage].append((boxes[level - 1], start))
    return readers


def _laterals(pyramid: FeaturePyramid) -> list[nn.Conv2d]:
    return [conv for conv in pyramid.lateral if isinstance(conv, nn.Conv2d)]


def _scale_outputs(conv: nn.Conv2d, scales: Tensor) -> None:
    assert conv.bias is not None
    conv.weight.mul_(scales[:, None, None, None])
    conv.bias.mul_(scales)


def _scale_inputs(conv: nn.Conv2d, scales: Tensor, start: int = 0) -> None:
    conv.weight[:, start : start + len(scales)] *= scales[None, :, None, None]


def has_norms(state: Mapping[str, Tensor]) -> bool:
    """Whether a network's state dict has the keys of ``make_norms``."""
    return any(_NORM in key and key.startswith('backbone.') for key in state)


def make_norms_of(network: MultiPoseNet, state: Mapping[str, Tensor]) -> None:
    """``make_norms`` where the state dict has them."""
    if has_norms(state):
        make_norms(network, lambda name: f'{name}{_NORM}weight' in state)


def without_norms(preset: Preset, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of a network of ``preset`` that computes the same and has its backbone's BatchNorm folded into
    the convolutions: what weights files hold. One that has none comes back as it is."""
    if not has_norms(state):
        return dict(state)
    network = MultiPoseNet(preset)
    make_norms_of(network, state)
    network.load_state_dict(state)
    return folded(network).state_dict()


def folded(network: MultiPoseNet) -> MultiPoseNet:
    """A copy of a network in eval mode, with what ``make_norms`` put in folded."""
    network = copy.deepcopy(network).eval()
    if has_norms(network.state_dict()):  # and not those of a ResNet, which are its own
        fold_batchnorm(network.backbone)
    return network
