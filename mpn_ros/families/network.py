"""A pose network of others as the pipeline takes it in the place of its own weights."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mpn_ros.backends.base import Backend
from mpn_ros.errors import ParameterError, WeightsError
from mpn_ros.families.backend import make_backend
from mpn_ros.families.base import Family
from mpn_ros.families.grouping import Grouper, OwnPoses, Regrouped
from mpn_ros.families.keypoints import layout_of
from mpn_ros.families.network_file import NetworkFile, read_network_file
from mpn_ros.families.recognise import recognise
from mpn_ros.families.runtime import output_shapes
from mpn_ros.skeleton import COCO, SkeletonLayout
from mpn_ros.weights import FOREIGN_SUFFIXES, Weights, load_weights, resolve_weights

_log = logging.getLogger(__name__)


class Design(NamedTuple):
    """What of a ``Preset`` is known of a network of others.

    Attributes:
        name: That of the family.
        layout: The keypoints that are answered.
    """

    name: str
    layout: SkeletonLayout


@dataclass(frozen=True)
class PoseNetwork:
    """A network of others with all that the pipeline asks of ``Weights``.

    Attributes:
        file: What was read.
        family: How its input is made and its outputs are read.
        preset: Its name and keypoints.
        order: ``(K,)``: for each keypoint that is answered, which of the network's it is.
    """

    file: NetworkFile
    family: Family
    preset: Design
    order: np.ndarray

    @property
    def source(self) -> str:
        """The file, for messages."""
        return str(self.file.path)

    @property
    def metadata(self) -> dict[str, Any]:
        """'sha256' of the file."""
        return {'sha256': self.file.sha256}

    @property
    def input_size(self) -> int | tuple[int, int]:
        """Width and height of the only input that the network takes, or the long side of what it was made for."""
        shape = self.file.signature.inputs[0].shape
        assert shape is not None
        height, width = shape[1:3] if self.family.traits.preprocessing.channels_last else shape[2:]
        if height is not None and width is not None:
            return width, height
        return self.file.side.input_size or self.family.traits.input_size

    @property
    def overlap(self) -> float:
        """IoU above which the weaker of two boxes goes; 1, where the network has seen to that itself."""
        overlap = self.family.traits.overlap
        return 1.0 if overlap is None else overlap

    @property
    def shift(self) -> float:
        """What is added to x and y of a keypoint in an image's pixels: half of one where the network counts from the
        edge of the image, as the labels did that it learnt from."""
        return 0.5 - self.family.traits.origin

    def sized(self, wanted: int | tuple[int, int] | None) -> int | tuple[int, int]:
        """The input that is ``wanted``, a long side or width and height; by default the one that the network was made
        for. Raises ParameterError where it takes another one only."""
        usual = self.input_size
        if wanted is None or isinstance(usual, int):
            return wanted or usual
        if wanted not in (usual, max(usual)):
            raise ParameterError(f'input_size cannot be {wanted}: {self.source} takes {usual[0]}x{usual[1]} pixels')
        return usual

    def backend(self, name: str, device: str, precision: str) -> Backend:
        """What runs it (``backend.make_backend``)."""
        return make_backend(self.file, self.family, self.order, name, device, precision)

    def grouper(self, name: str, other: Callable[[], Grouper]) -> Grouper:
        """The network's own grouping; one of the ``other`` groupers where its name is asked for and the network gives
        more people than are answered."""
        if name in ('auto', 'own'):
            return OwnPoses()
        if self.family.traits.overlap is None or self.preset.layout != COCO:
            _log.warning('%s groups by itself: grouper %s is not used', self.source, name)
            return OwnPoses()
        return Regrouped(other())

    def __str__(self) -> str:
        size = self.input_size
        said = f'{size} pixels on the long side' if isinstance(size, int) else f'{size[0]}x{size[1]} pixels'
        licence = f'licence: {self.file.licence}' if self.file.licence else 'the file states no licence'
        return f'{self.source}: {self.preset.name}, {len(self.preset.layout)} keypoints, {said}, no mask; {licence}'


def open_weights(name_or_path: str | Path) -> Weights | PoseNetwork:
    """Whatever the pipeline can run.

    Args:
        name_or_path: Weights that ship, a weights file, or a network of others in a file of ONNX or OpenVINO.

    Returns:
        What it holds, checked.

    Raises:
        WeightsError: The file is none of these, or damaged.
        BackendUnavailable: What reads it is not installed.

    Examples:
        >>> open_weights('lite').preset.name
        'lite'
    """
    path = resolve_weights(name_or_path)
    return open_network(path) if path.suffix in FOREIGN_SUFFIXES else load_weights(path)


def open_network(path: Path) -> PoseNetwork:
    """The network in a file, recognised by what the file says of itself.

    Args:
        path: An ONNX file, or OpenVINO's .xml.

    Returns:
        The network with its family.

    Raises:
        WeightsError: It is none that is known, or damaged: one sentence that names the file.
        BackendUnavailable: What reads it is not installed.
    """
    file = read_network_file(path)
    try:
        family = recognise(file.signature, file.side)
    except WeightsError:
        if not _is_open(file):
            raise
        file = _closed(file)
        family = recognise(file.signature, file.side)
    shape = file.signature.inputs[0].shape or ()
    if shape[0] not in (None, 1):
        raise WeightsError(f'{path} takes {shape[0]} images at once: export it for one, or for any number')
    layout, order = layout_of(family.traits.keypoints, str(path))
    return PoseNetwork(file, family, Design(family.traits.name, layout), order)


def _is_open(file: NetworkFile) -> bool:
    """Whether it takes an image and leaves open what it gives."""
    inputs = file.signature.inputs
    return (
        len(inputs) == 1
        and inputs[0].shape is not None
        and len(inputs[0].shape) == 4
        and any(port.shape is None or None in port.shape[1:] for port in file.signature.outputs)
    )


def _closed(file: NetworkFile) -> NetworkFile:
    """The file with the shapes that its outputs have at the usual size."""
    port, side = file.signature.inputs[0], file.side.input_size or 640
    assert port.shape is not None
    width, height = (side, side) if isinstance(side, int) else side
    usual = (1, height, width, 3) if port.shape[3] == 3 else (1, 3, height, width)
    shape = tuple(wanted if known is None else known for wanted, known in zip(usual, port.shape))
    shapes = output_shapes(file, shape, port.dtype)
    outputs = [dataclasses.replace(port, shape=shape) for port, shape in zip(file.signature.outputs, shapes)]
    return dataclasses.replace(file, signature=dataclasses.replace(file.signature, outputs=outputs))
