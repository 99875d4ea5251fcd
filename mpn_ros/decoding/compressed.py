"""From a compressed image message to an array: JPEG and PNG, their headers read before anything is unpacked.

Works on any object with the fields of ``sensor_msgs/CompressedImage``; nothing of ROS is imported.
"""

from __future__ import annotations

import struct
from typing import Any

import cv2
import numpy as np

from mpn_ros.decoding.png import SIGNATURE, png_size
from mpn_ros.decoding.raw import BAYER, DecodedImage, check_size, to_8_bit
from mpn_ros.errors import ImageError

JPEG_START, JPEG_END = b'\xff\xd8', b'\xff\xd9'
# Every start-of-frame marker of ITU-T T.81, table B.1: C0 to CF without DHT (C4), JPG (C8) and DAC (CC).
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def decode_compressed(message: Any) -> DecodedImage:
    """The picture in a ``sensor_msgs/CompressedImage``.

    What it is, is read from its bytes; its ``format`` says what the values mean: in '...; jpeg compressed rgb8' red
    comes first, and a grey picture whose ``format`` begins with 'bayer_' is a mosaic. The camera's orientation tag is
    ignored, as everywhere in ROS: boxes must fit ``camera_info``. Raises ImageError for anything else, for a cut-off
    file and for a picture that claims to be huge.
    """
    data = memoryview(message.data).cast('B')
    width, height = compressed_size(data)
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None or decoded.shape[:2] != (height, width) or decoded.dtype not in (np.uint8, np.uint16):
        raise ImageError(f'compressed image of {width}x{height} ({len(data)} bytes) is damaged')
    if decoded.ndim == 3 and decoded.shape[2] == 3:
        return DecodedImage(to_8_bit(decoded), 'rgb' if 'compressed rgb' in message.format else 'bgr')
    if decoded.ndim == 3:
        return DecodedImage(to_8_bit(cv2.cvtColor(decoded, cv2.COLOR_BGRA2BGR)), 'bgr')
    pattern = message.format[len('bayer_'):][:4] if message.format.startswith('bayer_') else ''
    return DecodedImage(to_8_bit(cv2.cvtColor(decoded, BAYER.get(pattern, cv2.COLOR_GRAY2BGR))), 'bgr')


def compressed_size(data: memoryview) -> tuple[int, int]:
    """Width and height that a whole JPEG or PNG file claims, before its pixels are looked at. Raises ImageError where
    it is neither, where it is cut off (decoders would paint the rest grey), or where the size is out of bounds."""
    if bytes(data[:8]) == SIGNATURE:
        kind, size = 'PNG', png_size(data)
    elif bytes(data[:2]) == JPEG_START:
        kind, size = 'JPEG', _jpeg_size(data)
    else:
        raise ImageError(f'compressed image of {len(data)} bytes is neither JPEG nor PNG')
    check_size(*size, f'{kind} image')
    return size


def _jpeg_size(data: memoryview) -> tuple[int, int]:
    """Walks the segments of a JPEG to its start of frame. Raises ImageError where there is none before the data
    ends, or no end of image."""
    at = 2
    whole = bytes(data[-256:]).rstrip(b'\0').endswith(JPEG_END)  # some cameras pad a frame with zeros
    while whole and at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
        elif marker in _FRAME_MARKERS:
            height, width = struct.unpack('>HH', data[at + 5:at + 9])
            return width, height
        else:
            at += 2 + struct.unpack('>H', data[at + 2:at + 4])[0]
    raise ImageError(f'JPEG image of {len(data)} bytes is cut off')
