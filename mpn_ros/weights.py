"""Weights files: safetensors that say what they are, so that loading one needs no guess and runs no code.

A file holds the tensors of one or more parts under ``PART.KEY``: 'network' (``MultiPoseNet``), 'prn'
(``PoseResidualNetwork``) and 'ucr' (``prior``, the prior maps of Eq. 2). Its metadata are texts: ``format`` and
``version``; as JSON ``preset`` (the preprocessing and the keypoints within), ``training`` (data and settings) and
``metrics``; and ``sha256`` over the tensors. The weights of convolutions and dense layers may be stored
in half precision; in memory all is float32, as numpy arrays: torch is loaded when a network is built, not before.
Nothing of a file stays in memory but its metadata: a part is read when somebody asks for it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from mpn_ros.errors import MpnError, ParameterError, WeightsError
from mpn_ros.files import utf8_name, write_whole
from mpn_ros.presets import Preset, PRNConfig
from mpn_ros.resources import find_model

if TYPE_CHECKING:
    from torch import nn

    from mpn_ros.network.multiposenet import MultiPoseNet
    from mpn_ros.network.prn import PoseResidualNetwork

FORMAT = 'mpn_ros weights'
VERSION = 1
FOREIGN_SUFFIXES = '.onnx', '.xml'
"""What networks of others are kept in: ONNX, or OpenVINO's own form with its weights in a .bin beside it."""

Parts = Mapping[str, Mapping[str, Any]]
"""A state dict for each part, by the part's name: arrays, or tensors of torch where they are saved."""
_STORED = {'F16', 'F32', 'I64'}  # what ``save_weights`` writes; I64 are BatchNorm's counts of batches

# How a zip, torch's older pickles and HDF5 begin; read as the length of a safetensors header each is over its limit.
_FOREIGN = {
    b'PK\x03\x04': 'a PyTorch checkpoint',
    b'\x80\x02\x8a\n': 'a PyTorch checkpoint',
    b'\x89HDF': 'an HDF5 file',
}


class StoredParts(Mapping[str, Mapping[str, np.ndarray]]):
    """The parts of a weights file that was checked. Each is read again when it is asked for: a backend that has
    compiled the network, and a grouper that has its own copy, need it no more.

    Raises WeightsError where the file is not the one that was checked.
    """

    def __init__(self, path: Path, names: Sequence[str], checked: tuple[int, ...]) -> None:
        self._path, self._names, self._checked = path, tuple(names), checked

    def __getitem__(self, name: str) -> Mapping[str, np.ndarray]:
        if name not in self._names:
            raise KeyError(name)
        _, tensors, found = _read(self._path, f'{name}.')
        if found != self._checked:
            raise WeightsError(f'{self._path} has changed since it was opened')
        return {key.partition('.')[2]: _in_memory(value) for key, value in tensors.items()}

    def __contains__(self, name: object) -> bool:
        return name in self._names  # Mapping's own would read the part to find out

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@dataclass(frozen=True)
class StoredPRN:
    """The parameters of a PRN as they lie in a file; ``keypoints`` is K."""

    config: PRNConfig
    keypoints: int
    state: Mapping[str, np.ndarray]

    def state_dict(self) -> Mapping[str, np.ndarray]:
        """As the network's own."""
        return self.state


@dataclass(frozen=True)
class Weights:
    """What a weights file holds, checked.

    Attributes:
        preset: The design: which network and which keypoints.
        parts: The tensors by part and key, as float32 arrays: 'network', 'prn', and 'ucr' where the file has them.
        metadata: 'training' and 'metrics' (dicts), and 'sha256' of the tensors.
        source: The file, for messages.

    Examples:
        >>> from mpn_ros.weights import load_weights, resolve_weights
        >>> weights = load_weights(resolve_weights('lite'))
        >>> weights.preset.name, sorted(weights.parts), len(weights.preset.layout)
        ('lite', ['network', 'prn', 'ucr'], 17)
    """

    preset: Preset
    parts: Parts
    metadata: Mapping[str, Any]
    source: str

    def network_digest(self) -> str:
        """The ``tensor_digest`` of the network's part. Raises WeightsError if there is none."""
        return tensor_digest(self._part('network'))

    def network(self) -> MultiPoseNet:
        """A new ``MultiPoseNet`` with these weights, in eval mode. Raises WeightsError if they have none, or not those
        that the preset builds (the first key that differs is named)."""
        from mpn_ros.network.multiposenet import MultiPoseNet

        part = self._part('network')
        if problem := _unlike(self.preset, {'network': part}):
            raise _misfit(self.source, self.preset, problem)
        return _fill(MultiPoseNet(self.preset), part)

    def prn(self) -> PoseResidualNetwork:
        """A new ``PoseResidualNetwork`` with these weights, in eval mode. Raises WeightsError if they have none."""
        from mpn_ros.network.prn import PoseResidualNetwork

        part = self._part('prn')
        return _fill(PoseResidualNetwork(self.preset.prn, self.preset.keypoints), part)

    def stored_prn(self) -> StoredPRN:
        """The PRN for inference without torch. Raises WeightsError if there is none."""
        return StoredPRN(self.preset.prn, self.preset.keypoints, self._part('prn'))

    def ucr_prior(self) -> np.ndarray:
        """``(height, width, K)`` float32, the prior of Eq. 2 (UCR). Raises WeightsError if they have none."""
        return as_array(self._part('ucr')['prior'])

    def _part(self, name: str) -> Mapping[str, np.ndarray]:
        if name not in self.parts:
            raise WeightsError(f"{self.source} has no part '{name}', only {', '.join(self.parts)}")
        return self.parts[name]


def check_ending(path: Path) -> None:
    """Refuses the name of another kind of file.

    Args:
        path: The file.

    Raises:
        ParameterError: It does not end in .safetensors.
    """
    if path.suffix != '.safetensors':
        raise ParameterError(f'{path} must end in .safetensors')


def save_weights(
    path: str | Path,
    preset: Preset,
    parts: Parts,
    *,
    training: Mapping[str, Any] | None = None,
    metrics: Mapping[str, Any] | None = None,
    dtype: type[np.floating[Any]] = np.float32,
) -> None:
    """Writes a weights file; a file that was there is replaced at the end, in one step.

    Args:
        path: The file, NAME.safetensors.
        preset: The design that the parts were built by.
        parts: A state dict for each part: 'network', 'prn', 'ucr'. Tensors may lie on any device.
        training: The data and settings, for whoever reads the file: anything that JSON can hold.
        metrics: What was measured: anything that JSON can hold.
        dtype: float32, or float16 for the weights of convolutions and dense layers. What is small and of wide range
            (norms, biases, the prior) stays float32.

    Raises:
        WeightsError: The parts are not the preset's, a value is not finite in ``dtype``, or ``path`` cannot be written.
    """
    path = Path(path)
    if problem := _unlike(preset, parts):
        raise WeightsError(f'{path} is not written: {problem}')
    tensors = {}
    for part, state in parts.items():
        for key, value in state.items():
            stored = as_array(value)
            if stored.dtype.kind == 'f':
                with np.errstate(over='ignore'):  # what becomes infinite is told
                    stored = stored.astype(dtype if stored.ndim > 1 and key.endswith('weight') else np.float32)
            if not np.isfinite(stored).all():
                raise WeightsError(
                    f"{path} is not written: '{part}.{key}' has values that are not finite in {dtype.__name__}"
                )
            tensors[f'{part}.{key}'] = stored
    stated = {'preset': preset.to_dict(), 'training': dict(training or {}), 'metrics': dict(metrics or {})}
    metadata = {
        'format': FORMAT,
        'version': str(VERSION),
        'sha256': tensor_digest(tensors),
        **{key: json.dumps(value) for key, value in stated.items()},
    }
    try:
        write_whole(path, save(tensors, metadata))  # save_file would make it readable by its owner alone
    except OSError as error:
        raise WeightsError(f'{path} cannot be written: {error.strerror}') from error


def load_weights(path: str | Path) -> Weights:
    """Reads and checks a weights file.

    Whether the network is the preset's is found where it is built: a graph that was compiled from it before is proof
    enough.

    Args:
        path: The file; ``resolve_weights`` finds those that ship.

    Returns:
        What it holds.

    Raises:
        WeightsError: It does not exist, is not safetensors, is cut short, is not ours, is of another version, fails its
            checksum, has values that are not finite, or holds a PRN or a prior that is not its preset's. The sentence
            names the file and, where one key differs, that key.
    """
    path = Path(path)
    metadata, tensors, checked = _read(path)
    if metadata.get('format') != FORMAT:
        raise WeightsError(f'{path} is a safetensors file, but not one of mpn_ros')
    if metadata.get('version') != str(VERSION):
        raise WeightsError(f'{path} is of version {metadata.get("version")}; this mpn_ros reads version {VERSION}')
    if metadata.get('sha256') != tensor_digest(tensors):
        raise WeightsError(f'{path} is damaged: its tensors do not have the checksum that it states')
    try:
        stated = {key: json.loads(metadata[key]) for key in ('training', 'metrics')}
        preset = Preset.from_dict(json.loads(metadata['preset']))
    except (KeyError, ValueError, MpnError) as error:
        raise WeightsError(f'{path} has damaged metadata: {error}') from error
    parts: dict[str, dict[str, np.ndarray]] = {}
    for name, value in tensors.items():
        part, _, key = name.partition('.')
        parts.setdefault(part, {})[key] = value
    if broken := next((name for name, value in tensors.items() if not np.isfinite(value).all()), None):
        raise WeightsError(f"{path} cannot be used: '{broken}' has values that are not finite")
    if problem := _unlike(preset, {name: part for name, part in parts.items() if name != 'network'}):
        raise _misfit(path, preset, problem)
    return Weights(
        preset, StoredParts(path.absolute(), list(parts), checked), {**stated, 'sha256': metadata['sha256']}, str(path)
    )


def resolve_weights(name_or_path: str | Path) -> Path:
    """The file meant by a path, or by the bare name of weights that ship.

    Args:
        name_or_path: As 'lite', or 'runs/mine.safetensors'.

    Returns:
        The file. Whether a path exists is for ``load_weights`` to say.

    Raises:
        WeightsError: No weights of that name ship.

    Examples:
        >>> resolve_weights('lite').name
        'lite.safetensors'
    """
    path = Path(name_or_path)
    if path.is_file() or path.suffix or len(path.parts) != 1:
        return path
    return find_model(path.name)


def shapes_of(module: nn.Module) -> dict[str, tuple[int, ...]]:
    """The shapes of a network's tensors.

    Args:
        module: The network.

    Returns:
        A shape for each key of its state dict.
    """
    return {key: tuple(value.shape) for key, value in module.state_dict().items()}


def expected_shapes(preset: Preset) -> dict[str, dict[str, tuple[int, ...]]]:
    """The shapes that weights of a preset have; no memory is taken for values.

    Args:
        preset: The design.

    Returns:
        A shape for each key of each part.
    """
    return {'network': _network_shapes(preset), **_grouping_shapes(preset)}


def _network_shapes(preset: Preset) -> dict[str, tuple[int, ...]]:
    import torch

    from mpn_ros.network.multiposenet import MultiPoseNet

    with torch.device('meta'):
        return shapes_of(MultiPoseNet(preset))


def _grouping_shapes(preset: Preset) -> dict[str, dict[str, tuple[int, ...]]]:
    """Those of the parts that group, which are few enough to be said without torch."""
    prn = preset.prn
    cells = prn.height * prn.width * preset.keypoints
    shapes = {'encode.weight': (prn.nodes, cells), 'encode.bias': (prn.nodes,)}
    for index in range(prn.layers - 1):
        shapes |= {f'hidden.{index}.weight': (prn.nodes, prn.nodes), f'hidden.{index}.bias': (prn.nodes,)}
    shapes |= {'decode.weight': (cells, prn.nodes), 'decode.bias': (cells,)}
    return {'prn': shapes, 'ucr': {'prior': (prn.height, prn.width, preset.keypoints)}}


def first_mismatch(found: Mapping[str, tuple[int, ...]], expected: Mapping[str, tuple[int, ...]]) -> str | None:
    """Compares shapes.

    Args:
        found: A shape for each key that there is.
        expected: A shape for each key that there should be.

    Returns:
        The first difference as the end of a sentence, or None.

    Examples:
        >>> first_mismatch({'bias': (3,)}, {'bias': (4,)})
        "'bias' has shape (3,) in place of (4,)"
    """
    for key, shape in expected.items():
        if key not in found:
            return f"'{key}' is missing"
        if found[key] != shape:
            return f"'{key}' has shape {found[key]} in place of {shape}"
    unknown = next((key for key in found if key not in expected), None)
    return unknown and f"'{unknown}' has no place in it"


def _unlike(preset: Preset, parts: Parts) -> str | None:
    """What keeps ``parts`` from being the preset's, or None."""
    try:
        expected = _grouping_shapes(preset) | ({'network': _network_shapes(preset)} if 'network' in parts else {})
    except (MpnError, TypeError, ValueError, RuntimeError) as error:
        return f'the preset cannot be built ({error})'
    if unknown := sorted(parts.keys() - expected.keys()):
        return f"there is no part called '{unknown[0]}'"
    found = {f'{part}.{key}': tuple(value.shape) for part in parts for key, value in parts[part].items()}
    return first_mismatch(found, {f'{part}.{key}': shape for part in parts for key, shape in expected[part].items()})


def _misfit(source: str | Path, preset: Preset, problem: str) -> WeightsError:
    return WeightsError(f"{source} does not fit its preset '{preset.name}': {problem}")


def _fill(module: nn.Module, state: Mapping[str, np.ndarray]) -> Any:
    import torch

    module.load_state_dict({key: torch.as_tensor(value) for key, value in state.items()})
    return module.eval()


def _read(path: Path, prefix: str = '') -> tuple[dict[str, str], dict[str, np.ndarray], tuple[int, ...]]:
    """The metadata, the tensors whose names begin with ``prefix``, and what tells the file from what may come in its
    place."""
    try:
        with path.open('rb') as file:
            start, status = file.read(4), os.fstat(file.fileno())
        foreign = next((kind for magic, kind in _FOREIGN.items() if start.startswith(magic)), None)
        if path.suffix in FOREIGN_SUFFIXES:
            raise WeightsError(f'{path} is a network of others: only weights of mpn_ros can be trained or exported')
        if foreign:
            raise WeightsError(f'{path} is {foreign}, not a weights file; import published ones with: mpn convert')
        with utf8_name(path) as name, safe_open(name, 'np') as file:
            names = [key for key in file.keys() if key.startswith(prefix)]
            for key in names:
                if (kind := file.get_slice(key).get_dtype()) not in _STORED:
                    raise WeightsError(f"{path} cannot be used: '{key}' has numbers of type {kind}")
            identity = status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
            return file.metadata() or {}, {key: file.get_tensor(key) for key in names}, identity
    except FileNotFoundError as error:
        raise WeightsError(f'{path} does not exist') from error
    except OSError as error:
        raise WeightsError(f'{path} cannot be read: {error.strerror or error}') from error
    except SafetensorError as error:
        raise WeightsError(f'{path} is cut short or not a weights file: {error}') from error


def _in_memory(value: np.ndarray) -> np.ndarray:
    return value.astype(np.float32, copy=False) if value.dtype.kind == 'f' else value


def as_array(value: Any) -> np.ndarray:
    """An array, whatever holds the numbers.

    Args:
        value: An array, or a tensor of torch on any device.

    Returns:
        The array, which may share the tensor's memory.
    """
    return np.asarray(value.detach().cpu() if hasattr(value, 'detach') else value, order='C')


def tensor_digest(tensors: Mapping[str, Any]) -> str:
    """What tells tensors from others.

    Args:
        tensors: Arrays or tensors by name.

    Returns:
        The sha256 of names, types, shapes and values, in hexadecimal digits.
    """
    digest = hashlib.sha256()
    for name in sorted(tensors):
        value = as_array(tensors[name])
        digest.update(f'{name} torch.{value.dtype} {value.shape}\n'.encode())  # as the first files have it
        digest.update(value.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
