"""Checkpoints: files that a run goes on from, and that ``mpn pack`` takes the weights of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from mpn_ros.errors import WeightsError
from mpn_ros.files import written_whole

CHECKPOINT, BEST = 'checkpoint.pt', 'best.pt'
"""Names in the folder of a run: where it is, and where its validation was best."""


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Writes beside the place and moves there, so that a kill leaves the old one or the new one. Raises
    WeightsError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as unfinished, unfinished.open('wb') as file:  # torch takes no name that is not UTF-8
            torch.save(dict(state), file)
    except (OSError, RuntimeError) as error:  # torch tells of a full disk by the latter
        raise WeightsError(f'{path} cannot be written: {str(error).splitlines()[0]}') from error


def recorded(state: Mapping[str, Any]) -> dict[str, Any]:
    """How the weights of a checkpoint were trained, as plain data: 'network', the settings, and 'start', the same of
    what it started from, and so on."""
    network = {'network': {**state['config'], 'step': state['step']}}
    return {**network, 'start': state['origin']} if state.get('origin') else network


def load_checkpoint(path: str | Path) -> dict[str, Any]:
    """The contents of a training checkpoint: at least ``network`` and ``averaged`` (state dicts), ``step``, ``preset``
    and ``config`` (plain data). Raises WeightsError if it cannot be read as one."""
    try:
        with open(path, 'rb') as file:
            state: dict[str, Any] = torch.load(file, map_location='cpu', weights_only=True)
        if not {'network', 'averaged', 'step', 'preset', 'config'} <= state.keys():
            raise ValueError('it lacks the fields of a checkpoint')
    except Exception as error:  # a damaged file raises whatever unpickling meets
        # torch says of any other file that loading its weights failed, with advice that runs code out of the file
        reason = str(error).partition('. ')[0].replace('Weights only load failed', 'it holds something else')
        raise WeightsError(f'{path} is not a training checkpoint of mpn: {reason}') from error
    return state
