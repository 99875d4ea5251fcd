"""Where a run's weights come from: an ImageNet backbone, MoveNet, another run, or a weights file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mpn_ros.errors import ParameterError, WeightsError
from mpn_ros.network.layers import Normalise
from mpn_ros.network.multiposenet import MultiPoseNet
from mpn_ros.presets import Preset
from mpn_ros.training.checkpoint import load_checkpoint, recorded
from mpn_ros.training.config import TrainingConfig
from mpn_ros.training.dataset import PatchDataset
from mpn_ros.training.lsuv import equalize_channels
from mpn_ros.training.movenet import COPIED_CHANNELS, start_from_movenet
from mpn_ros.training.norms import make_norms, restore_norms, without_norms
from mpn_ros.training.parameters import rate_factor
from mpn_ros.weights import load_weights, resolve_weights

_SETTLING_PATCHES, _NORM_PATCHES = 16, 32
_OF_KEYPOINTS = ('keypoint_head.heatmaps.', 'intermediate.')


def init_from_movenet(network: MultiPoseNet, movenet: Path, dataset: PatchDataset) -> dict[str, int]:
    """MoveNet's weights, with all channels brought to one size on patches of ``dataset``; returns how many rows of
    which parameters are copied. Raises WeightsError."""
    copied = start_from_movenet(network, movenet)
    patches = torch.stack([dataset[0, index]['image'] for index in range(min(_SETTLING_PATCHES, len(dataset)))])
    equalize_channels(network.eval(), Normalise(network.preset.preprocessing)(patches), COPIED_CHANNELS)
    return copied.named(network)


def start_backbone(network: MultiPoseNet, path: Path) -> None:
    """The backbone's weights from a PyTorch state dict, as torchvision's of a ResNet that knows ImageNet. Raises
    WeightsError."""
    try:
        with path.open('rb') as file:
            network.backbone.load_state_dict(torch.load(file, map_location='cpu', weights_only=True))
    except Exception as error:  # a damaged file raises whatever unpickling meets
        reason = ' '.join(str(error).split())
        raise WeightsError(f"{path} does not hold a {network.preset.backbone}'s weights: {reason:.200}") from error


def start_from(network: MultiPoseNet, source: Path, prefixes: Sequence[str] = ()) -> None:
    """The averaged weights of a checkpoint, or those of a weights file or of a name that ships; with ``prefixes`` only
    those of the parameters whose names begin so.

    What has a row for each keypoint, the heatmaps' last convolutions, keeps its random start where the keypoints
    differ. Raises WeightsError if the rest does not fit, ParameterError for a prefix that fits nothing.
    """
    preset, state = _read(source)
    for prefix in prefixes:
        if not any(key.startswith(prefix) for key in state):
            raise ParameterError(f"--start-parts: no parameter of {source} has a name that begins with '{prefix}'")
    if preset.layout != network.preset.layout:
        state = {key: value for key, value in state.items() if not key.startswith(_OF_KEYPOINTS)}
    if prefixes:
        state = {key: value for key, value in state.items() if key.startswith(tuple(prefixes))}
    try:
        network.load_state_dict({**network.state_dict(), **state})
    except RuntimeError as error:
        raise WeightsError(f"{source} holds another network than preset '{network.preset.name}'") from error


def how_trained(source: Path) -> dict[str, Any]:
    """How the weights of a checkpoint, a weights file or a name that ships were trained, as plain data, with the file's
    name. Raises WeightsError."""
    path = resolve_weights(source)
    if path.suffix == '.safetensors':
        return {'file': path.name, **load_weights(path).metadata['training']}
    return {'file': path.name, **recorded(load_checkpoint(path))}


def _read(source: Path) -> tuple[Preset, dict[str, Tensor]]:
    path = resolve_weights(source)
    if path.suffix == '.safetensors':
        weights = load_weights(path)
        return weights.preset, weights.network().state_dict()
    state = load_checkpoint(path)
    preset = Preset.from_dict(state['preset'])
    return preset, without_norms(preset, state['averaged'])


def start_norms(network: MultiPoseNet, dataset: PatchDataset, config: TrainingConfig) -> None:
    """BatchNorm behind the convolutions of the backbone that ``config`` trains, with the statistics of patches of
    ``dataset``; the network computes what it did. Raises ParameterError for a backbone that has it."""
    patches = torch.stack([dataset[0, index]['image'] for index in range(min(_NORM_PATCHES, len(dataset)))])
    restore_norms(network, Normalise(network.preset.preprocessing)(patches), lambda name: _trains(name, config))


def expect_norms(network: MultiPoseNet, config: TrainingConfig) -> None:
    """The places of ``start_norms``, for the weights of a checkpoint."""
    make_norms(network, lambda name: _trains(name, config))


def _trains(layer: str, config: TrainingConfig) -> bool:
    return rate_factor(f'{layer}.conv.weight', config) > 0
