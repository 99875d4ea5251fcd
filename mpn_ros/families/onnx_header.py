"""What an ONNX file says of itself: its inputs, outputs and metadata, read from its bytes without loading its weights.

The format is protobuf (``onnx/onnx.proto``, numbers of fields below). It is walked here, since the ``onnx`` package is
an extra and both runtimes follow whatever a file refers to: a file is judged before either of them sees it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mpn_ros.errors import WeightsError
from mpn_ros.families.signature import Port

_TYPES = {1: 'float32', 2: 'uint8', 3: 'int8', 5: 'int16', 6: 'int32', 7: 'int64', 10: 'float16', 11: 'float64'}
_LARGEST = 2**31  # bytes; protobuf itself ends there
_MOST_FIELDS = 5_000_000  # of a file; the largest pose networks have some hundred thousand
_DEEPEST = 16  # graphs inside graphs
_EXTERNAL = 1  # TensorProto.DataLocation


class _Broken(Exception):
    """The bytes are not what protobuf writes; the text is the end of a sentence."""


@dataclass
class Header:
    """``external`` tells whether weights lie in other files of the same folder."""

    inputs: list[Port] = field(default_factory=list)
    outputs: list[Port] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)
    external: bool = False


def read_header(path: Path, data: bytes) -> Header:
    """The header of the ONNX file ``path`` with the content ``data``.

    Raises WeightsError where it is no ONNX file or cut short, where a tensor claims more values than the file has
    bytes for, and where weights are said to lie outside the file's folder, or beyond the end of their own file.
    """
    if len(data) > _LARGEST:
        raise WeightsError(f'{path} is larger than an ONNX file can be')
    reader = _Reader(path)
    try:
        return reader.model(memoryview(data))
    except _Broken as error:
        kind = 'is cut short' if reader.started else 'is not an ONNX file'
        raise WeightsError(f'{path} {kind}: {error}') from error


class _Reader:
    def __init__(self, path: Path) -> None:
        self.path, self.folder = path, path.resolve().parent
        self.started = False  # whether it has begun as ONNX files do
        self.header = Header()
        self._fields = 0

    def model(self, data: memoryview) -> Header:
        graphs = 0
        for number, value in self._walk(data):
            if number == 1 and isinstance(value, int):  # ir_version
                self.started = True
            elif number == 7:
                graphs += 1
                self._graph(_bytes(value), self.header)
            elif number == 14:
                key, text = self._entry(_bytes(value))
                self.header.metadata[key] = text
            elif number == 25:  # a function, which holds nodes
                for inner, node in self._walk(_bytes(value)):
                    if inner == 7:
                        self._node(_bytes(node), 0)
        if not graphs or not self.header.outputs:
            raise _Broken('it holds no graph')
        return self.header

    def _graph(self, data: memoryview, header: Header | None, depth: int = 0) -> None:
        """Checks all tensors of a graph; of the outermost one ``header`` gets the ports."""
        if depth > _DEEPEST:
            raise _Broken('its graphs are nested too deeply')
        initialised, inputs = set(), []
        for number, value in self._walk(data):
            if number == 1:
                self._node(_bytes(value), depth)
            elif number == 5:
                initialised.add(self._tensor(_bytes(value)))
            elif number == 15:
                self._sparse(_bytes(value))
            elif number == 11 and header:
                inputs.append(self._port(_bytes(value)))
            elif number == 12 and header:
                header.outputs.append(self._port(_bytes(value)))
        if header:
            header.inputs += [port for port in inputs if port.name not in initialised]

    def _node(self, data: memoryview, depth: int) -> None:
        for number, value in self._walk(data):
            if number == 5:
                for kind, attribute in self._walk(_bytes(value)):
                    if kind in (5, 10):
                        self._tensor(_bytes(attribute))
                    elif kind in (6, 11):
                        self._graph(_bytes(attribute), None, depth + 1)
                    elif kind in (22, 23):
                        self._sparse(_bytes(attribute))

    def _sparse(self, data: memoryview) -> None:
        dims: list[int] = []
        for number, value in self._walk(data):
            if number in (1, 2):
                self._tensor(_bytes(value))
            elif number == 3:
                dims += self._integers(value)
        if math.prod(dims) > len(data) * 1000:
            raise WeightsError(f'{self.path} is not loaded: a sparse tensor of it claims {math.prod(dims):,} values')

    def _tensor(self, data: memoryview) -> str:
        """Checks a tensor and returns its name."""
        dims: list[int] = []
        name, stored, external, elsewhere = '', 0, False, {}
        for number, value in self._walk(data):
            if number == 1:
                dims += self._integers(value)
            elif number == 8:
                name = _text(value)
            elif number == 13:
                key, text = self._entry(_bytes(value))
                elsewhere[key] = text
            elif number == 14:
                external = value == _EXTERNAL
            elif number in (4, 5, 6, 7, 9, 10, 11):
                stored += 8 if isinstance(value, int) else len(value)
        if external or elsewhere:
            stored = self._external(name, elsewhere)
        # Two values of four bits are the most that a byte holds.
        if any(side < 0 for side in dims) or math.prod(dims) > 2 * stored:
            raise WeightsError(
                f"{self.path} is not loaded: its tensor '{name}' claims {math.prod(dims):,} values and "
                f'has {stored:,} bytes'
            )
        return name

    def _external(self, name: str, where: dict[str, str]) -> int:
        """How many bytes of a file in the same folder belong to a tensor."""
        location = where.get('location', '')
        try:
            file = (self.folder / location).resolve()
            offset, length = int(where.get('offset', 0)), int(where.get('length', -1))
            if not location or not file.is_relative_to(self.folder) or not file.is_file():
                raise ValueError
            size = file.stat().st_size
        except (ValueError, OSError) as error:  # a location may hold what is no path
            raise WeightsError(
                f"{self.path} is not loaded: its weights '{name}' should lie in '{location}', which is "
                'no file in its folder'
            ) from error
        length = size - offset if length < 0 else length
        if offset < 0 or offset + length > size:
            raise WeightsError(f"{self.path} is not loaded: the weights '{name}' end beyond the end of {file.name}")
        self.header.external = True
        return length

    def _port(self, data: memoryview) -> Port:
        name, dtype, shape = '', 'unknown', None
        for number, value in self._walk(data):
            if number == 1:
                name = _text(value)
            elif number == 2:
                for kind, tensor in self._walk(_bytes(value)):
                    if kind == 1:
                        for part, inner in self._walk(_bytes(tensor)):
                            if part == 1 and isinstance(inner, int):
                                dtype = _TYPES.get(inner, f'type {inner}')
                            elif part == 2:
                                shape = tuple(self._side(_bytes(side)) for _, side in self._walk(_bytes(inner)))
        return Port(name, dtype, shape)

    def _side(self, data: memoryview) -> int | None:
        """A dimension; None where it is a name or is left open."""
        for number, value in self._walk(data):
            if number == 1 and isinstance(value, int):
                return value if 0 < value < 2**31 else None
        return None

    def _entry(self, data: memoryview) -> tuple[str, str]:
        entry = {number: _text(value) for number, value in self._walk(data)}
        return entry.get(1, ''), entry.get(2, '')

    def _integers(self, value: int | memoryview) -> list[int]:
        """A repeated integer, alone or packed."""
        if isinstance(value, int):
            return [_signed(value)]
        numbers, position = [], 0
        while position < len(value):
            number, position = _varint(value, position)
            numbers.append(_signed(number))
        return numbers

    def _walk(self, data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
        """Number and value of each field: an integer, or bytes."""
        position = 0
        while position < len(data):
            self._fields += 1
            if self._fields > _MOST_FIELDS:
                raise WeightsError(f'{self.path} is not loaded: it has more than {_MOST_FIELDS:,} parts')
            key, position = _varint(data, position)
            number, wire = key >> 3, key & 7
            if wire == 0:
                value, position = _varint(data, position)
                yield number, value
                continue
            if wire == 2:
                length, position = _varint(data, position)
            elif wire in (1, 5):
                length = 8 if wire == 1 else 4
            else:
                raise _Broken('its bytes are not those of protobuf')
            if position + length > len(data):
                raise _Broken('its end is missing')
            yield number, data[position : position + length]
            position += length


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(data):
            raise _Broken('its end is missing')
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
    raise _Broken('its bytes are not those of protobuf')


def _signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


def _bytes(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise _Broken('its bytes are not those of ONNX')
    return value


def _text(value: int | memoryview) -> str:
    return bytes(_bytes(value)).decode('utf-8', 'replace')
