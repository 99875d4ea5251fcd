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
    """``network input = (pixel - mean) / std``.

    Attributes:
        mean: Of each channel R, G, B, 0..255.
        std: Of each channel, in the same units.
    """

    mean: tuple[float, float, float] = (123.675, 116.28, 103.53)
    std: tuple[float, float, float] = (58.395, 57.12, 57.375)


@dataclass(frozen=True)
class PyramidConfig:
    """A feature pyramid (section 3.1).

    Attributes:
        width: Channels of each level.
        separable: Depthwise and pointwise convolutions with a ReLU behind them, in place of 3x3 ones.
        top_down: 'merged' adds the coarser level before its 3x3 smoothing, as the FPN paper does; 'smoothed' after it.
        upsampling: How the coarser level is brought to the size of the finer one.
    """

    width: int = 256
    separable: bool = False
    top_down: Literal['merged', 'smoothed'] = 'merged'
    upsampling: Literal['nearest', 'bilinear'] = 'nearest'

    def __post_init__(self) -> None:
        _one_of('top_down', self.top_down, ('merged', 'smoothed'))
        _one_of('upsampling', self.upsampling, ('nearest', 'bilinear'))


@dataclass(frozen=True)
class KeypointHeadConfig:
    """The keypoint subnet (section 3.2).

    Attributes:
        width: Channels of D2..D5.
        fusion: Channels of the 3x3 convolution on their concatenation.
        separable: Depthwise and pointwise convolutions in place of 3x3 ones.
        relu: A ReLU behind each of D2..D5.
        concatenate: False keeps D2 alone (Table 2, "no concat").
        activation: What turns the output into heatmaps of 0..1: the paper's is linear, 'sigmoid' reads it as logits.
    """

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
    """The person detector (section 3.3, RetinaNet).

    Attributes:
        width: Channels of its convolutions.
        depth: Convolutions before each output.
        separable: Depthwise and pointwise convolutions in place of 3x3 ones.
        norm: A BatchNorm behind each convolution.
    """

    width: int = 256
    depth: int = 4
    separable: bool = False
    norm: bool = False


@dataclass(frozen=True)
class PRNConfig:
    """The Pose Residual Network (section 3.4).

    Attributes:
        height: Cells of a crop.
        width: Cells of a crop.
        nodes: Width of the hidden layers.
        layers: Number of hidden layers.
        residual: The weight of X in Eq. 1; 0 is the non-residual model of Eq. 3.
        dropout: Share of the nodes that a training step leaves out.
        box_margin: The fraction of the box that is added on each side before the crop: keypoints of COCO's people lie
            outside their boxes too, which costs 4 points of AP on true boxes and keypoints.
        blur: Sigma of the input peaks, in cells.
        rectify: Clips the correction at zero, as the published networks do; the paper has a softmax alone.
        peak_threshold: The score from which a peak is shown to the network. It belongs to the heatmaps: those that
            learnt from labels are lower than MoveNet's where keypoints are hidden, and a bound that suits these hides
            what they know.

    Raises:
        PresetError: peak_threshold is not between 0 and 1.
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
    """A whole MultiPoseNet (Fig. 2).

    Attributes:
        name: As users say it: 'lite', 'r50'.
        backbone: What turns pixels into C2..C5.
        keypoint_pyramid: The first pyramid, of the keypoint subnet.
        keypoint_head: The keypoint subnet on it.
        detector_pyramid: The second pyramid, of the person detector.
        detector: The person detector on it.
        prn: The Pose Residual Network.
        preprocessing: How pixels become numbers.
        layout: The K keypoints that it knows.
        input_size: The long side in pixels that the weights were made for; sides are multiples of 32.

    Examples:
        >>> preset('lite').keypoints, preset('lite').input_size
        (17, 384)
    """

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
        """The inverse of ``to_dict``.

        Args:
            data: Fields by name. What is missing beside name, backbone and preprocessing takes its default.

        Returns:
            The preset.

        Raises:
            PresetError: A field or value is unknown.
        """
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
    """The preset of that name.

    Args:
        name: One of ``PRESETS``.

    Returns:
        The preset.

    Raises:
        PresetError: There is none; the sentence lists those that there are.

    Examples:
        >>> preset('lite').backbone
        'mobilenet'
    """
    if name not in PRESETS:
        raise PresetError(f"no preset is called '{name}'; there are {', '.join(PRESETS)}")
    return PRESETS[name]


def prn_preset(name: str) -> PRNConfig:
    """The Pose Residual Network of that name (Table 3).

    Args:
        name: One of ``PRN_PRESETS``, or a preset, which means the one in it.

    Returns:
        Its design.

    Raises:
        PresetError: There is none; the sentence lists those that there are.

    Examples:
        >>> prn_preset('n2048-dr').nodes
        2048
    """
    known = {**{whole.name: whole.prn for whole in PRESETS.values()}, **PRN_PRESETS}
    if name not in known:
        raise PresetError(f"no PRN is called '{name}'; there are {', '.join(known)}")
    return known[name]


def override(preset: Preset, assignments: Sequence[str]) -> Preset:
    """A preset with other values.

    Args:
        preset: What to change.
        assignments: Each 'FIELD=VALUE' or 'PART.FIELD=VALUE', the value as in JSON.

    Returns:
        A new preset.

    Raises:
        PresetError: An assignment does not fit; the sentence names it.

    Examples:
        >>> override(preset('lite'), ['keypoint_head.concatenate=false']).keypoint_head.concatenate
        False
    """
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
