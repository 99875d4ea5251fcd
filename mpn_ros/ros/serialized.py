"""Image messages in the form in which the middleware carries them (CDR: DDS-XTypes 1.3, section 7.4).

Read so, their bytes are not copied: rclpy would make a message of every image in the thread that serves everything
else, and copy its pixels twice, also for images that are overtaken before their turn.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from builtin_interfaces.msg import Time
from std_msgs.msg import Header

from mpn_ros.errors import ImageError

_ENCAPSULATION = 4
"""Bytes that say how the rest is written; alignment counts from behind them."""
_FORMS = (0x00, 0x01, 0x06, 0x07)
"""CDR and CDR2 of plain types; the odd ones are little-endian. They differ only in numbers of eight bytes, of which
images have none."""


class SerializedImage(NamedTuple):
    """The fields of a ``sensor_msgs/Image``; ``data`` is a view."""

    header: Header
    height: int
    width: int
    encoding: str
    is_bigendian: int
    step: int
    data: memoryview


class SerializedCompressedImage(NamedTuple):
    """The fields of a ``sensor_msgs/CompressedImage``; ``data`` is a view."""

    header: Header
    format: str
    data: memoryview


def read_image(message: bytes) -> SerializedImage:
    """A serialised ``sensor_msgs/Image``. Raises ImageError where it is cut off or no such message."""
    reader = _Reader(message)
    return SerializedImage(
        reader.header(),
        reader.integer(),
        reader.integer(),
        reader.text(),
        reader.integer(1),
        reader.integer(),
        reader.octets(),
    )


def read_compressed_image(message: bytes) -> SerializedCompressedImage:
    """A serialised ``sensor_msgs/CompressedImage``. Raises ImageError where it is cut off or no such message."""
    reader = _Reader(message)
    return SerializedCompressedImage(reader.header(), reader.text(), reader.octets())


class _Reader:
    """Reads one field after the other."""

    def __init__(self, message: bytes) -> None:
        form = message[:2]
        if len(message) < _ENCAPSULATION or form[0] or form[1] not in _FORMS:
            raise ImageError(f"a message of {len(message)} bytes that begins with '{form.hex()}' is no image")
        self._order: Literal['little', 'big'] = 'little' if form[1] & 1 else 'big'
        self._rest, self._at = memoryview(message)[_ENCAPSULATION:], 0

    def integer(self, size: int = 4, signed: bool = False) -> int:
        """A number of ``size`` bytes, to which it is aligned."""
        self._at += -self._at % size
        return int.from_bytes(self._take(size), self._order, signed=signed)

    def octets(self) -> memoryview:
        """A sequence of bytes."""
        return self._take(self.integer())

    def text(self) -> str:
        """A string, without the zero at its end."""
        return bytes(self.octets()[:-1]).decode(errors='replace')

    def header(self) -> Header:
        """A ``std_msgs/Header``."""
        return Header(stamp=Time(sec=self.integer(signed=True), nanosec=self.integer()), frame_id=self.text())

    def _take(self, size: int) -> memoryview:
        part = self._rest[self._at : self._at + size]
        if len(part) < size:
            raise ImageError(f'an image message is cut off after {len(self._rest)} of its bytes')
        self._at += size
        return part
