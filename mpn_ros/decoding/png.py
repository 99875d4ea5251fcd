"""The frame of a PNG file, checked before a decoder sees it: OpenCV believes the length of a chunk and asks for that
much memory, and a header that is damaged may claim any size."""

from __future__ import annotations

import struct
import zlib

from mpn_ros.decoding.raw import MAX_PIXELS
from mpn_ros.errors import ImageError

SIGNATURE = b'\x89PNG\r\n\x1a\n'
MAX_BYTES = 3 * MAX_PIXELS
"""Most bytes that the pixels of a file may take in their own depth."""
_VALUES = {0: 1, 2: 3, 3: 3}
"""Values of a pixel by colour type; the others have alpha and are unpacked to four."""


def png_size(data: memoryview) -> tuple[int, int]:
    """Width and height of a PNG file all of whose chunks are whole. Raises ImageError, one sentence, where the file is
    cut off, where a chunk fails its checksum, or where the pixels are so deep that they take more than ``MAX_BYTES``;
    and for an animation, which is no picture of a camera."""
    at, kind = len(SIGNATURE), b''
    while kind != b'IEND':
        length, kind = struct.unpack('>I4s', data[at : at + 8]) if at + 8 <= len(data) else (len(data), b'')
        end = at + 8 + length
        if end + 4 > len(data):
            raise ImageError(f'PNG image of {len(data)} bytes is cut off')
        if zlib.crc32(data[at + 4 : end]) != int.from_bytes(data[end : end + 4], 'big'):
            raise ImageError(f'PNG image of {len(data)} bytes is damaged')
        if kind == b'acTL' or (kind == b'IHDR') != (at == len(SIGNATURE)):
            raise ImageError(f'PNG image of {len(data)} bytes is not one picture')
        at = end + 4
    width, height, depth, colours = struct.unpack('>IIBB', data[16:26])
    unpacked = width * height * _VALUES.get(colours, 4) * (2 if depth == 16 else 1)
    if unpacked > MAX_BYTES:
        raise ImageError(f'PNG image of {width}x{height} is larger than {MAX_BYTES} bytes when it is unpacked')
    return width, height
