"""Imports of the published weights: LiMeng95's MultiPoseNet (HDF5) and the authors' Pose Residual Network (.pth.tar).

Both name their layers in their own way, and LiMeng95 orders keypoints and levels in its own way too; nothing else
changes, so that the imported network computes what the published one does. LiMeng95's person mask was never trained:
its channel is zero here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from mpn_ros.errors import WeightsError
from mpn_ros.presets import Preset, PRNConfig
from mpn_ros.skeleton import COCO
from mpn_ros.weights import Parts, expected_shapes, first_mismatch

_LIMENG95_KEYPOINTS = (
    'nose',
    'neck',
    'right_shoulder',
    'right_elbow',
    'right_wrist',
    'left_shoulder',
    'left_elbow',
    'left_wrist',
    'right_hip',
    'right_knee',
    'right_ankle',
    'left_hip',
    'left_knee',
    'left_ankle',
    'right_eye',
    'left_eye',
    'right_ear',
    'left_ear',
)
_HEATMAP_ORDER = [_LIMENG95_KEYPOINTS.index(name) for name in COCO.names]
_PRN_ORDER = [i - (i > _LIMENG95_KEYPOINTS.index('neck')) for i in _HEATMAP_ORDER]

_MOST_VALUES = 2**28  # HDF5 may claim any number and store next to none

PUBLISHED_PRN = PRNConfig(
    height=56, width=36, nodes=1024, layers=2, residual=True, dropout=0.5, box_margin=0.0, blur=1.0, rectify=True
)
"""The PRN of both publications."""

# Prefixes of our keys and of theirs. We count levels from the finest, they mostly from the coarsest.
_PRN_NAMES = {'encode': 'dens1', 'hidden.0': 'bneck', 'decode': 'dens2'}
_LIMENG95_NAMES = {
    'backbone': 'fpn',
    'keypoint_pyramid.lateral.3': 'fpn.toplayer',
    **{f'keypoint_pyramid.lateral.{i}': f'fpn.flatlayer{3 - i}' for i in range(3)},
    **{f'keypoint_pyramid.smooth.{i}': f'fpn.smooth{3 - i}' for i in range(3)},
    **{f'keypoint_head.down.{i}.0': f'convt{4 - i}' for i in range(4)},
    **{f'keypoint_head.down.{i}.2': f'convs{4 - i}' for i in range(4)},
    'keypoint_head.fusion': 'conv2',
    'keypoint_head.heatmaps': 'convfin',
    **{f'intermediate.heatmaps.{i}': f'convfin_k{i + 2}' for i in range(4)},
    **{f'detector_pyramid.pyramid.lateral.{i}': f'fpn.latlayer{3 - i}' for i in range(3)},
    **{f'detector_pyramid.pyramid.smooth.{i}': f'fpn.toplayer{2 - i}' for i in range(3)},
    'detector_pyramid.p6': 'fpn.conv6',
    'detector_pyramid.p7': 'fpn.conv7',
    **{
        f'detector.{ours}.convs.{i}': f'{theirs}.conv{i + 1}'
        for i in range(4)
        for ours, theirs in (('classification', 'classificationModel'), ('regression', 'regressionModel'))
    },
    'detector.classification.output': 'classificationModel.output',
    'detector.regression.output': 'regressionModel.output',
}


class Imported(NamedTuple):
    """What an import hands to ``save_weights``."""

    preset: Preset
    parts: Parts
    training: dict[str, Any]


def import_limeng95(source: Path, preset: Preset) -> Imported:
    """The network and the PRN of a LiMeng95 checkpoint. ``preset`` tells its backbone: 'r101', or 'r50'.

    Raises WeightsError that names the file and the first key that is missing, of another shape, or unknown.
    """
    preset = dataclasses.replace(preset, prn=PUBLISHED_PRN)
    state = _read_hdf5(source)
    expected = expected_shapes(preset)
    _check(source, state, limeng95_shapes(preset), f"LiMeng95's MultiPoseNet of preset '{preset.name}'")
    network = {
        key: torch.tensor(0) if _is_counter(key) else state[_renamed(key, _LIMENG95_NAMES)]
        for key in expected['network']
    }
    for key, value in network.items():
        if key.startswith(('keypoint_head.heatmaps.', 'intermediate.')):
            network[key] = torch.cat((value[_HEATMAP_ORDER], torch.zeros_like(value[:1])))
    fusion = network['keypoint_head.fusion.weight']  # reads D5, D4, D3, D2 there
    network['keypoint_head.fusion.weight'] = fusion.unflatten(1, (4, -1)).flip(1).flatten(1, 2)
    prn = {key: state[f'prn.{_renamed(key, _PRN_NAMES)}'] for key in expected['prn']}
    prn['encode.weight'] = prn['encode.weight'].unflatten(1, (-1, len(COCO)))[..., _PRN_ORDER].flatten(1)
    for key in ('decode.weight', 'decode.bias'):
        prn[key] = prn[key].unflatten(0, (-1, len(COCO)))[:, _PRN_ORDER].flatten(0, 1)
    return Imported(
        preset,
        {'network': network, 'prn': prn},
        {'imported': 'LiMeng95/MultiPoseNet.pytorch', 'file': source.name, 'data': ['COCO']},
    )


def import_prn(source: Path, preset: Preset) -> Imported:
    """The authors' PRN, to stand behind the network of ``preset`` in place of the preset's own.

    Raises WeightsError that names the file and the first key that is missing, of another shape, or unknown.
    """
    preset = dataclasses.replace(preset, prn=PUBLISHED_PRN)
    state = _read_torch(source)
    expected = expected_shapes(preset)['prn']
    _check(source, state, {_renamed(key, _PRN_NAMES): shape for key, shape in expected.items()}, "the authors' PRN")
    return Imported(
        preset,
        {'prn': {key: state[_renamed(key, _PRN_NAMES)] for key in expected}},
        {
            'imported': 'salihkaragoz/pose-residual-network-pytorch',
            'file': source.name,
            'data': ['COCO'],
            'licence': 'academic or non-profit, noncommercial research use only',
        },
    )


IMPORTERS: dict[str, Callable[[Path, Preset], Imported]] = {'limeng95': import_limeng95, 'prn': import_prn}
"""The importer of each published format."""


def limeng95_shapes(preset: Preset) -> dict[str, tuple[int, ...]]:
    """Shapes by key in LiMeng95's file: ours, but the heads know a neck too and, on the levels, an untrained mask."""
    expected = expected_shapes(preset)
    shapes = {f'prn.{_renamed(key, _PRN_NAMES)}': shape for key, shape in expected['prn'].items()}
    for key, shape in expected['network'].items():
        if key.startswith('keypoint_head.heatmaps.'):
            shape = (len(_LIMENG95_KEYPOINTS), *shape[1:])
        elif key.startswith('intermediate.'):
            shape = (len(_LIMENG95_KEYPOINTS) + 1, *shape[1:])
        if not _is_counter(key):
            shapes[_renamed(key, _LIMENG95_NAMES)] = shape
    return shapes


def _is_counter(key: str) -> bool:
    """A count of batches: BatchNorm kept none when these files were written, and inference never reads it."""
    return key.endswith('.num_batches_tracked')


def _renamed(key: str, names: Mapping[str, str]) -> str:
    return next((theirs + key[len(ours) :] for ours, theirs in names.items() if key.startswith(f'{ours}.')), key)


def _check(source: Path, state: Mapping[str, Tensor], expected: Mapping[str, tuple[int, ...]], what: str) -> None:
    found = {key: tuple(value.shape) for key, value in state.items() if not _is_counter(key)}
    if problem := first_mismatch(found, expected):
        raise WeightsError(f'{source} is not {what}: {problem}')


def _read_hdf5(source: Path) -> dict[str, Tensor]:
    try:
        import h5py
    except ImportError as error:
        raise WeightsError(f'{source} needs h5py to be read: pip install h5py') from error
    try:
        with source.open('rb') as content, h5py.File(content, 'r') as file:
            datasets = {
                key: value
                for key, value in file.items()
                if isinstance(value, h5py.Dataset) and value.dtype.kind in 'fiu'
            }
            if (values := sum(dataset.size for dataset in datasets.values())) > _MOST_VALUES:
                raise WeightsError(f'{source} claims to hold {values} values, more than any published network')
            state = {key: torch.as_tensor(dataset[()]).float() for key, dataset in datasets.items()}
    except FileNotFoundError as error:
        raise WeightsError(f'{source} does not exist') from error
    except OSError as error:
        raise WeightsError(f'{source} is not an HDF5 file, or cut short') from error
    return {key.removeprefix('module.'): value for key, value in state.items()}


def _read_torch(source: Path) -> dict[str, Tensor]:
    try:
        with source.open('rb') as file:
            checkpoint = torch.load(file, map_location='cpu', weights_only=True)
    except FileNotFoundError as error:
        raise WeightsError(f'{source} does not exist') from error
    except Exception as error:  # what the unpickler raises on bytes that are no pickle depends on the bytes
        raise WeightsError(f'{source} is not a PyTorch checkpoint, cut short, or would run code when read') from error
    state = checkpoint.get('state_dict') if isinstance(checkpoint, dict) else None
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise WeightsError(f"{source} has no 'state_dict' of tensors")
    return {key: value.float() for key, value in state.items()}
