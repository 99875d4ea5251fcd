"""A network's file, read once: its bytes, and what it says of itself."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mpn_ros.errors import BackendUnavailable, WeightsError
from mpn_ros.families.onnx_header import read_header
from mpn_ros.families.side_file import SideFile, read_side_file
from mpn_ros.families.signature import Port, Signature


@dataclass(frozen=True)
class NetworkFile:
    """``content`` are its bytes, which a runtime is given rather than the path: then it follows no reference to another
    file. None where weights lie beside it; those have been checked. ``sha256`` is that of the file."""

    path: Path
    content: bytes | None
    signature: Signature
    side: SideFile
    sha256: str

    @property
    def real(self) -> Path:
        """Where the file itself is, if ``path`` is a link to it: what lies beside it is meant there."""
        return self.path.resolve()

    @property
    def licence(self) -> str:
        """What the file, or the one beside it, says of its licence; empty if neither does."""
        stated = self.side.licence or self.signature.metadata.get('license') or self.signature.metadata.get('licence')
        return ' '.join((stated or '').split())[:200]


def read_network_file(path: Path) -> NetworkFile:
    """The file ``path``. Nothing of it is run. Raises WeightsError where it does not exist, cannot be read, is not what
    its ending says, is cut short, or refers to what it should not; BackendUnavailable where .xml needs OpenVINO."""
    try:
        data = path.read_bytes()
        side = read_side_file(path)
    except FileNotFoundError as error:
        raise WeightsError(f'{path} does not exist') from error
    except OSError as error:
        raise WeightsError(f'{path} cannot be read: {error.strerror}') from error
    metadata = {'keypoints': ','.join(side.keypoints)} if side.keypoints else {}
    if path.suffix == '.xml':
        model = read_openvino(path)
        inputs, outputs = ([_port(port) for port in ports] for ports in (model.inputs, model.outputs))
        content, stated = None, _texts(model)
        data += path.with_suffix('.bin').read_bytes()
    else:
        header = read_header(path, data)
        inputs, outputs, stated = header.inputs, header.outputs, header.metadata
        content = None if header.external else data
    signature = Signature(str(path), inputs, outputs, {**stated, **metadata})
    return NetworkFile(path, content, signature, side, hashlib.sha256(data).hexdigest())


def read_openvino(path: Path) -> Any:
    """OpenVINO's model of its own form. Raises WeightsError, or BackendUnavailable where OpenVINO is not installed."""
    try:
        import openvino
    except ImportError as error:
        raise BackendUnavailable(f'{path} needs OpenVINO, which is not installed: pip install openvino') from error
    if not path.with_suffix('.bin').is_file():
        raise WeightsError(f'{path} lacks its weights: there is no {path.with_suffix(".bin").name} beside it')
    try:
        return openvino.Core().read_model(path)
    except RuntimeError as error:
        raise WeightsError(f'{path} is cut short or no file of OpenVINO: {last_line(error)}') from error


def _port(port: Any) -> Port:
    shape = port.partial_shape
    sides = None if shape.rank.is_dynamic else tuple(None if side.is_dynamic else side.get_length() for side in shape)
    names = {'f32': 'float32', 'f16': 'float16', 'i32': 'int32', 'i64': 'int64', 'u8': 'uint8'}
    kind = port.element_type.get_type_name()
    return Port(next(iter(sorted(port.names)), '?'), names.get(kind, kind), sides)


def _texts(model: Any) -> dict[str, str]:
    """What ultralytics and others write into the file: the texts under 'model_info', or beside it."""
    if not model.has_rt_info('model_info'):
        return {}
    return {str(key): str(value.value) for key, value in model.get_rt_info('model_info').astype(dict).items()}


def last_line(error: Exception) -> str:
    """What a library's exception says at its end, after the places in its source."""
    return next((line.strip() for line in reversed(str(error).splitlines()) if line.strip()), type(error).__name__)
