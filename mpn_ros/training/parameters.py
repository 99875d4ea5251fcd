"""Which parameters a run trains, at which rate, and which loss terms reach them."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from mpn_ros.errors import ParameterError
from mpn_ros.network.multiposenet import MultiPoseNet
from mpn_ros.training.config import TrainingConfig
from mpn_ros.training.relative import RelativeAdamW, gains_of

_STAGE_PARTS = {
    'keypoints': ('backbone', 'keypoint_pyramid', 'keypoint_head', 'intermediate'),
    'detector': ('detector_pyramid', 'detector'),
    'joint': ('backbone', 'keypoint_pyramid', 'keypoint_head', 'intermediate', 'detector_pyramid', 'detector'),
}
# The parts whose parameters a loss term changes. Intermediate heads alone would teach nobody anything.
_REACHED = {
    'heatmap': ('backbone', 'keypoint_pyramid', 'keypoint_head'),
    'intermediate': ('backbone', 'keypoint_pyramid'),
    'boxes': ('backbone', 'detector_pyramid', 'detector'),
}
_STAGE_TERMS = {
    'keypoints': ('heatmap', 'intermediate'),
    'detector': ('boxes',),
    'joint': ('heatmap', 'intermediate', 'boxes'),
}


def _part(name: str) -> str:
    return name.partition('.')[0]


def rate_factor(name: str, config: TrainingConfig) -> float:
    """The factor on the learning rate of the parameter ``name``."""
    return next((factor for prefix, factor in config.rate_factors if name.startswith(prefix)), 1.0)


def select_trainable(network: MultiPoseNet, config: TrainingConfig) -> tuple[dict[str, nn.Parameter], frozenset[str]]:
    """The parameters by name that the stage trains, and the terms, of 'heatmap', 'intermediate' and 'boxes', that reach
    one of them; all other parameters stop taking gradients. Raises ParameterError if nothing is left, or for a factor
    that fits nothing."""
    for prefix, _ in config.rate_factors:
        if not any(name.startswith(prefix) for name, _ in network.named_parameters()):
            raise ParameterError(f"no parameter's name begins with '{prefix}'")
    trained = {
        name: parameter
        for name, parameter in network.named_parameters()
        if _part(name) in _STAGE_PARTS[config.stage] and rate_factor(name, config) > 0
    }
    parts = {_part(name) for name in trained}
    terms = frozenset(term for term in _STAGE_TERMS[config.stage] if parts & set(_REACHED[term]))
    if not config.intermediate_weight:
        terms -= {'intermediate'}
    if 'intermediate' not in terms:
        trained = {name: parameter for name, parameter in trained.items() if _part(name) != 'intermediate'}
    if not trained:
        raise ParameterError(f"nothing is left to train in stage '{config.stage}'")
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name in trained)
    return trained, terms


def make_optimizer(
    network: nn.Module, trained: Mapping[str, nn.Parameter], config: TrainingConfig
) -> torch.optim.AdamW:
    """AdamW with a parameter group for each rate; all steps are relative where ``config`` says so."""
    groups = [
        {
            'params': [parameter for name, parameter in trained.items() if rate_factor(name, config) == factor],
            'lr': config.rate * factor,
        }
        for factor in sorted({rate_factor(name, config) for name in trained})
    ]
    if config.relative:
        return RelativeAdamW(groups, gains_of(network), config.weight_decay)
    return torch.optim.AdamW(groups, weight_decay=config.weight_decay)


def freeze_rows(network: MultiPoseNet, rows: Mapping[str, int]) -> None:
    """From now on the gradients of the first ``rows`` of these parameters are zero."""
    parameters = dict(network.named_parameters())
    for name, count in rows.items():

        def without(gradient: torch.Tensor, count: int = count) -> torch.Tensor:
            gradient = gradient.clone()
            gradient[:count] = 0
            return gradient

        if parameters[name].requires_grad:
            parameters[name].register_hook(without)
