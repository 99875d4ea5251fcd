"""From a compressed image message to an array: JPEG and PNG, their headers read before anything is unpacked.

Works on any object with the fields of ``sensor_msgs/CompressedImage``; nothing of ROS is imported.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from mpn_ros.decoding.jpeg import JPEG_START, is_whole_jpeg, jpeg_size
from mpn_ros.decoding.png import SIGNATURE, png_size
from mpn_ros.decoding.raw import BAYER, DecodedImage, check_size, to_8_bit
from mpn_ros.decoding.silence import decoders_silenced
from mpn_ros.errors import ImageError


def decode_compressed(message: Any) -> DecodedImage:
    """The picture in a ``sensor_msgs/CompressedImage``.

    What it is, is read from its bytes; its ``format`` says what the values mean: in '...; jpeg compressed rgb8' red
    comes first, and a grey picture whose ``format`` begins with 'bayer_' is a mosaic. The camera's orientation tag is
    ignored, as everywhere in ROS: boxes must fit ``camera_info``. Raises ImageError for anything else, for a cut-off
    file and for a picture that claims to be huge.
    """
    data = memoryview(message.data).cast('B')
    width, height = compressed_size(data)
    if bytes(data[:2]) == JPEG_START and not is_whole_jpeg(data):  # a decoder would paint the rest grey
        raise ImageError(f'JPEG image of {len(data)} bytes is cut off')
    with decoders_silenced():
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None or decoded.shape[:2] != (height, width) or decoded.dtype not in (np.uint8, np.uint16):
        raise ImageError(f'compressed image of {width}x{height} ({len(data)} bytes) is damaged')
    if decoded.ndim == 3 and decoded.shape[2] == 3:
        return DecodedImage(to_8_bit(decoded), 'rgb' if 'compressed rgb' in message.format else 'bgr')
    if decoded.ndim == 3:
        return DecodedImage(to_8_bit(cv2.cvtColor(decoded, cv2.COLOR_BGRA2BGR)), 'bgr')
    pattern = message.format[len('bayer_') :][:4] if message.format.startswith('bayer_') else ''
    return DecodedImage(to_8_bit(cv2.cvtColor(decoded, BAYER.get(pattern, cv2.COLOR_GRAY2BGR))), 'bgr')


def compressed_size(data: memoryview) -> tuple[int, int]:
    """Width and height that a JPEG or whole PNG file claims, before its pixels are looked at. Raises ImageError where
    it is neither, where it ends before that, or where the size is out of bounds."""
    if bytes(data[:8]) == SIGNATURE:
        kind, size = 'PNG', png_size(data)
    elif bytes(data[:2]) == JPEG_START:
        kind, size = 'JPEG', jpeg_size(data)
    else:
        raise ImageError(f'compressed image of {len(data)} bytes is neither JPEG nor PNG')
    check_size(*size, f'{kind} image')
    return size
