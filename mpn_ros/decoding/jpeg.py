"""The frame of a JPEG file, read before a decoder sees it, and whether the file holds all of its picture."""

from __future__ import annotations

import re
import struct

from mpn_ros.errors import ImageError

JPEG_START, JPEG_END = b'\xff\xd8', b'\xff\xd9'
# Every start-of-frame marker of ITU-T T.81, table B.1: C0 to CF without DHT (C4), JPG (C8) and DAC (CC).
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SCAN = 0xDA
_END = re.compile(re.escape(JPEG_END))
_MARKER = re.compile(rb'\xff[^\x00\xff]')


def jpeg_size(data: memoryview) -> tuple[int, int]:
    """Width and height in the start of frame. Raises ImageError where there is none before the data end."""
    return _walk(data)[0]


def is_whole_jpeg(data: memoryview) -> bool:
    """Whether the decoder shows the whole picture, and paints nothing itself. Whatever follows the end of image is
    passed over: cameras pad frames with zeros, or send what an earlier frame has left in their memory."""
    try:
        _, scan = _walk(data)
    except ImageError:
        return False
    return _END.search(data, scan) is not None  # within a scan, 0xff is never followed by 0xd9


def _walk(data: memoryview) -> tuple[tuple[int, int], int]:
    """The size in the start of frame, and where the first scan begins."""
    at, size = len(JPEG_START), None
    while (found := _MARKER.search(data, at)) and found.end() + 2 <= len(data):  # decoders pass over what is between
        at, marker = found.start(), data[found.start() + 1]
        if marker in _FRAME_MARKERS and at + 9 <= len(data):
            height, width = struct.unpack('>HH', data[at + 5 : at + 9])
            size = width, height
        at += 2 + struct.unpack('>H', data[at + 2 : at + 4])[0]
        if marker == _SCAN and size is not None and at <= len(data):
            return size, at
    raise ImageError(f'JPEG image of {len(data)} bytes is cut off')
