"""Which family a file is of, by what it says of itself, never by its name."""

from __future__ import annotations

import dataclasses
import logging
from importlib.metadata import entry_points
from typing import Any

from mpn_ros.errors import WeightsError
from mpn_ros.families.base import Family
from mpn_ros.families.movenet import MoveNet
from mpn_ros.families.rtmo import Rtmo
from mpn_ros.families.side_file import SideFile
from mpn_ros.families.signature import Signature
from mpn_ros.families.yolo import YoloEndToEnd, YoloPose

FAMILIES: tuple[type[Any], ...] = (MoveNet, YoloEndToEnd, YoloPose, Rtmo)
GROUP = 'mpn_ros.families'
"""The entry points under which other packages name classes of the protocol ``Family``."""
_log = logging.getLogger(__name__)


def known_families() -> list[type[Any]]:
    """Those of other packages, which may know better, then ours. One that cannot be imported is left out and logged."""
    found = []
    for entry in entry_points(group=GROUP):
        try:
            found.append(entry.load())
        except Exception as error:  # whatever another package does, ours go on
            _log.warning("the family '%s' of %s cannot be used: %s", entry.name, entry.value, error)
    return [*found, *FAMILIES]


def recognise(signature: Signature, side: SideFile) -> Family:
    """The family of a file, with what the file beside it changes. Raises WeightsError: one sentence that says what the
    file looks like instead, and which are known."""
    for kind in known_families():
        family: Family | None = kind.recognise(signature)
        if family is not None:
            return _adjust(family, side)
    forms = '; '.join(kind.form for kind in known_families())
    raise WeightsError(f'{signature.source} {_what(signature)}: it {signature}. Known are {forms}')


def _adjust(family: Family, side: SideFile) -> Family:
    changed = {name: getattr(side, name) for name in ('mean', 'std', 'channel_order')}
    pre = dataclasses.replace(family.traits.preprocessing, **{name: value for name, value in changed.items() if value})
    if pre == family.traits.preprocessing:
        return family
    return dataclasses.replace(family, traits=dataclasses.replace(family.traits, preprocessing=pre))  # type: ignore


def _what(signature: Signature) -> str:
    """What a file of no known family most likely is, as the middle of a sentence."""
    images = [port for port in signature.inputs if port.shape is not None and len(port.shape) == 4]
    shapes = [port.shape for port in signature.outputs if port.shape is not None]
    if not images or len(signature.inputs) != 1:
        return 'is no network that takes an image'
    if signature.metadata.get('task') in ('detect', 'segment', 'obb') or _detects(shapes):
        return 'is a detector without keypoints'
    if signature.metadata.get('task') == 'classify' or any(len(shape) == 2 for shape in shapes):
        return 'is no pose network'
    if any(len(shape) == 4 and shape[1:3] == (1, 17) or shape[1:] and shape[1] == 17 for shape in shapes):
        return 'finds the keypoints of a single person, and needs a detector before it'
    return 'has outputs that are not known'


def _detects(shapes: list[tuple[int | None, ...]]) -> bool:
    """Whether the outputs are boxes with classes: YOLO's matrix, a row or column for each of COCO's 80 classes, its
    corners, or MMDeploy's boxes and labels."""
    return any(len(shape) == 3 and (84 in shape[1:] or 85 in shape[1:] or shape[2] in (5, 6)) for shape in shapes)
