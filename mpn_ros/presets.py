"""Presets: everything that tells one MultiPoseNet from another, as data that travels inside the weights file."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from mpn_ros.errors import PresetError
from mpn_ros.skeleton import COCO, SkeletonLayout

_BACKBONES = ('resnet50', 'resnet101', 'resnet101_dilated', 'mobilenet', 'mobilenet_dilated')


def _one_of(what: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise PresetError(f"{what} must be one of {', '.join(choices)}, not '{value}'")


@dataclass(frozen=True)
class Preprocessing:
    """``network input = (pixel - mean) / std`` on RGB values of 0..255, per channel."""

    mean: tuple[float, float, float] = (123.675, 116.28, 103.53)
    std: tuple[float, float, float] = (58.395, 57.12, 57.375)


@dataclass(frozen=True)
class PyramidConfig:
    """A feature pyramid (section 3.1). ``top_down`` 'merged' adds the coarser level before its 3x3 smoothing, as the
    FPN paper does, 'smoothed' after it; ``separable`` uses depthwise + pointwise convolutions with a ReLU behind
    them."""

    width: int = 256
    separable: bool = False
    top_down: Literal['merged', 'smoothed'] = 'merged'
    upsampling: Literal['nearest', 'bilinear'] = 'nearest'

    def __post_init__(self) -> None:
        _one_of('top_down', self.top_down, ('merged', 'smoothed'))
        _one_of('upsampling', self.upsampling, ('nearest', 'bilinear'))


@dataclass(frozen=True)
class KeypointHeadConfig:
    """The keypoint subnet (section 3.2): ``width`` of D2..D5, ``fusion`` of the 3x3 convolution on their concatenation.
    ``activation`` is what turns the output into 0..1 heatmaps: the paper's output is linear, 'sigmoid' reads it as
    logits.
    ``concatenate`` False keeps D2 alone (Table 2, "no concat")."""

    width: int = 128
    fusion: int = 256
    separable: bool = False
    relu: bool = False
    concatenate: bool = True
    activation: Literal['linear', 'sigmoid'] = 'linear'

    def __post_init__(self) -> None:
        _one_of('activation', self.activation, ('linear', 'sigmoid'))


@dataclass(frozen=True)
class DetectorConfig:
    """The person detector (section 3.3, RetinaNet): ``depth`` convolutions of ``width`` before each output."""

    width: int = 256
    depth: int = 4
    separable: bool = False
    norm: bool = False


@dataclass(frozen=True)
class PRNConfig:
    """The Pose Residual Network (section 3.4): crops of ``height`` x ``width`` cells, ``layers`` hidden layers of
    ``nodes``.

    residual: the weight of X in Eq. 1; 0 is the non-residual model of Eq. 3.
    box_margin: the fraction of the box added on each side before the crop: keypoints of COCO's people lie outside their
    boxes too, which costs 4 points of AP on true boxes and keypoints. blur: sigma in cells of the input peaks.
    rectify: clips the correction at zero, as the published networks do; the paper has a softmax alone.
    peak_threshold: the score from which a peak is shown to the network. It belongs to the heatmaps: those that learnt
    from labels are lower where keypoints are hidden than MoveNet's, and a bound that suits these hides what they know.
    """

    height: int = 56
    width: int = 36
    nodes: int = 1024
    layers: int = 1
    residual: float = 1.0
    dropout: float = 0.5
    box_margin: float = 0.1
    blur: float = 1.0
    rectify: bool = False
    peak_threshold: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.peak_threshold < 1:
            raise PresetError(f'peak_threshold must be between 0 and 1, not {self.peak_threshold}')


@dataclass(frozen=True)
class Preset:
    """A whole MultiPoseNet. ``layout`` are the keypoints that it knows; ``input_size`` is the long side in pixels that
    the weights were made for; sides are multiples of 32."""

    name: str
    backbone: Literal['resnet50', 'resnet101', 'resnet101_dilated', 'mobilenet', 'mobilenet_dilated']
    keypoint_pyramid: PyramidConfig = field(default_factory=PyramidConfig)
    keypoint_head: KeypointHeadConfig = field(default_factory=KeypointHeadConfig)
    detector_pyramid: PyramidConfig = field(default_factory=PyramidConfig)
    detector: DetectorConfig = field(default_factory=DetectorConfig)
    prn: PRNConfig = field(default_factory=PRNConfig)
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    layout: SkeletonLayout = COCO
    input_size: int = 480

    def __post_init__(self) -> None:
        _one_of('backbone', self.backbone, _BACKBONES)

    @property
    def keypoints(self) -> int:
        """K, the number of keypoints."""
        return len(self.layout)

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists and numbers, as they go into a weights file."""
        return dataclasses.asdict(self)

    @staticmethod
    def from_dict(data: dict[str, Any]) -> Preset:
        """The inverse of ``to_dict``; what is missing beside name, backbone and preprocessing takes its default.

        Raises PresetError for unknown fields and values."""
        parts = {
            'keypoint_pyramid': PyramidConfig,
            'keypoint_head': KeypointHeadConfig,
            'detector_pyramid': PyramidConfig,
            'detector': DetectorConfig,
            'prn': PRNConfig,
            'preprocessing': Preprocessing,
        }
        try:
            values = {key: parts[key](**value) if key in parts else value for key, value in data.items()}
            values.pop('keypoints', None)  # the first files told the number alone; it was always COCO's 17
            if 'layout' in values:
                values['layout'] = SkeletonLayout.from_dict(values['layout'])
            pre = values['preprocessing']
            values['preprocessing'] = Preprocessing(tuple(pre.mean), tuple(pre.std))
            return Preset(**values)
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise PresetError(f'not the description of a preset: {error}') from error


_LITE_PYRAMID = PyramidConfig(width=96, separable=True, top_down='smoothed', upsampling='bilinear')

PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(name='r50', backbone='resnet50'),
        Preset(name='r101', backbone='resnet101'),
        Preset(name='r101_dilated', backbone='resnet101_dilated'),
        Preset(
            name='lite',
            backbone='mobilenet',
            keypoint_pyramid=_LITE_PYRAMID,
            keypoint_head=KeypointHeadConfig(width=112, fusion=160, separable=True, relu=True, activation='sigmoid'),
            detector_pyramid=dataclasses.replace(_LITE_PYRAMID, width=128),
            detector=DetectorConfig(width=128, separable=True, norm=True),
            prn=PRNConfig(height=28, width=18, nodes=192, residual=24.0, dropout=0.1, blur=0.5),
            preprocessing=Preprocessing((127.5019, 127.5019, 127.5019), (127.5019, 127.5019, 127.5019)),
            input_size=384,
        ),
    )
}


PRN_PRESETS: dict[str, PRNConfig] = {
    'n50': PRNConfig(nodes=50, residual=0.0, dropout=0.0),
    'n50-d': PRNConfig(nodes=50, residual=0.0),
    'n512-d': PRNConfig(nodes=512, residual=0.0),
    'n512x2-d': PRNConfig(nodes=512, layers=2, residual=0.0),
    'n2048-dr': PRNConfig(nodes=2048),
    'n1024-dr': PRNConfig(),
    'n1024-d': PRNConfig(residual=0.0),
}
"""The six networks of Table 3: nodes, x2 for two hidden layers, d for dropout, r for the residual connection; and the
best of them without it (Eq. 3)."""


def preset(name: str) -> Preset:
    """The preset of that name. Raises PresetError that lists the known ones."""
    if name not in PRESETS:
        raise PresetError(f"no preset is called '{name}'; there are {', '.join(PRESETS)}")
    return PRESETS[name]


def prn_preset(name: str) -> PRNConfig:
    """The Pose Residual Network of that name, one of ``PRN_PRESETS`` or that of a preset. Raises PresetError that lists
    the known ones."""
    known = {**{whole.name: whole.prn for whole in PRESETS.values()}, **PRN_PRESETS}
    if name not in known:
        raise PresetError(f"no PRN is called '{name}'; there are {', '.join(known)}")
    return known[name]


def override(preset: Preset, assignments: Sequence[str]) -> Preset:
    """``preset`` with other values, each as 'FIELD=VALUE' or 'PART.FIELD=VALUE': 'keypoint_head.concatenate=false',
    'backbone=mobilenet_dilated'. Raises PresetError that names the assignment that does not fit."""
    data = json.loads(json.dumps(preset.to_dict()))
    for assignment in assignments:
        name, _, text = assignment.partition('=')
        part, _, key = name.rpartition('.')
        fields = data.get(part) if part else data
        if not isinstance(fields, dict) or key not in fields or isinstance(fields[key], dict):
            raise PresetError(f"'{assignment}' is not FIELD=VALUE or PART.FIELD=VALUE of a field that a preset has")
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        wanted = type(fields[key])
        if type(value) is int and wanted is float:
            value = float(value)
        if type(value) is not wanted:
            raise PresetError(f"'{assignment}' does not fit: {name} is {json.dumps(fields[key])} in '{preset.name}'")
        fields[key] = value
    return Preset.from_dict(data)
