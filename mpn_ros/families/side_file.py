"""The file beside a network, NAME.yaml, NAME.yml or NAME.json, in which its user says what the network's own does not.

All of it is optional. ``input_size``: long side in pixels, or [width, height]. ``mean``, ``std``: three numbers each,
of pixels from 0 to 255. ``channel_order``: rgb or bgr. ``keypoints``: names in the network's order. ``thresholds``:
``person``, ``keypoint``, ``overlap``, ``people``. ``licence``: a line.
"""

from __future__ import annotations

import json
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mpn_ros.conventions import ChannelOrder
from mpn_ros.errors import WeightsError

_SUFFIXES = '.yaml', '.yml', '.json'
_LONGEST = 1 << 20  # bytes
_THRESHOLDS = {
    'person': 'score_threshold',
    'keypoint': 'keypoint_threshold',
    'overlap': 'nms_iou',
    'people': 'max_people',
}


@dataclass(frozen=True)
class SideFile:
    """What was said; None where nothing was. ``thresholds`` are under the names of the pipeline's ``Thresholds``."""

    input_size: int | tuple[int, int] | None = None
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    channel_order: ChannelOrder | None = None
    keypoints: tuple[str, ...] | None = None
    thresholds: Mapping[str, Any] = field(default_factory=dict)
    licence: str | None = None


def read_side_file(network: Path) -> SideFile:
    """What is said beside ``network``; nothing where there is no such file. Raises WeightsError that names the file and
    the entry that is wrong."""
    found = [path for suffix in _SUFFIXES if (path := network.with_suffix(suffix)).is_file()]
    if not found:
        return SideFile()
    if len(found) > 1:
        raise WeightsError(f'{network} has two files beside it, {found[0].name} and {found[1].name}: keep one')
    (path,) = found
    content = _parse(path)
    if not isinstance(content, dict):
        raise WeightsError(f'{path} must hold entries with names, such as input_size: 640')
    if unknown := next((key for key in content if key not in _ENTRIES), None):
        raise WeightsError(f"{path} has an entry '{unknown}', which is not known; there are {', '.join(_ENTRIES)}")
    return SideFile(**{key: _check(path, key, value) for key, value in content.items()})


def _parse(path: Path) -> Any:
    try:
        if path.stat().st_size > _LONGEST:
            raise WeightsError(f'{path} is too long for a file beside a network')
        text = path.read_text(encoding='utf-8')
        if path.suffix == '.json':
            return json.loads(text)
        import yaml
    except ImportError as error:
        raise WeightsError(f'{path} needs PyYAML: pip install pyyaml, or write it as {path.stem}.json') from error
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsError(f'{path} cannot be read: {error}') from error
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise WeightsError(f'{path} is no YAML: {str(error).splitlines()[0]}') from error


def _is_size(value: Any) -> bool:
    sides = [value] if isinstance(value, int) else value
    return (
        isinstance(sides, list)
        and 1 <= len(sides) <= 2
        and all(type(side) is int and 32 <= side <= 4096 for side in sides)
    )


def _are_numbers(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) in (int, float) for value in values)


def _is_colour(value: Any) -> bool:
    return _are_numbers(value) and len(value) == 3


def _are_thresholds(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() <= _THRESHOLDS.keys() and _are_numbers(list(value.values()))


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(type(name) is str and ',' not in name for name in value)


_ENTRIES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    'input_size': ('a number of pixels from 32 to 4096, or width and height', _is_size),
    'mean': ('three numbers', _is_colour),
    'std': ('three numbers above 0', lambda value: _is_colour(value) and min(value) > 0),
    'channel_order': ('rgb or bgr', lambda value: value in ('rgb', 'bgr')),
    'keypoints': ('a list of names without commas', _are_names),
    'thresholds': ('numbers by the names person, keypoint, overlap and people', _are_thresholds),
    'licence': ('a line of text', lambda value: isinstance(value, str)),
}
"""What each entry must be, in words and as a question."""


def _check(path: Path, key: str, value: Any) -> Any:
    """The value as the field holds it."""
    wanted, fits = _ENTRIES[key]
    if not fits(value):
        said = reprlib.repr(value)[:100]  # YAML's references make endless lists of a few bytes
        raise WeightsError(f"{path}: '{key}' must be {wanted}, not {said}")
    if key == 'thresholds':
        return {_THRESHOLDS[name]: number for name, number in value.items()}
    return tuple(value) if isinstance(value, list) else value
