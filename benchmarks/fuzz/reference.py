"""What a `sensor_msgs/Image` shows, written from the definition of its encodings, value by value: no line of it is
shared with the decoder, and no library converts a colour."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

MAX_SIDE, MAX_PIXELS = 16384, 1 << 26
"""What docs/interface.md promises to refuse."""

# Encoding: channels in memory by letter, bytes of a value.
_PACKED = {
    'rgb8': ('rgb', 1),
    'bgr8': ('bgr', 1),
    'rgba8': ('rgba', 1),
    'bgra8': ('bgra', 1),
    'mono8': ('y', 1),
    'rgb16': ('rgb', 2),
    'bgr16': ('bgr', 2),
    'rgba16': ('rgba', 2),
    'bgra16': ('bgra', 2),
    'mono16': ('y', 2),
    '8UC1': ('y', 1),
    '8UC3': ('bgr', 1),
    '8UC4': ('bgra', 1),
}
_YUV422 = {'yuv422': (1, 0, 2), 'uyvy': (1, 0, 2), 'yuv422_yuy2': (0, 1, 3), 'yuyv': (0, 1, 3)}
"""Offsets of the first luma, of U and of V in the four bytes of two pixels."""
_YUV_PLANES = {'nv12': (0, 1), 'nv21': (1, 0), 'nv24': (0, 1)}
"""Offsets of U and V in a pair of chroma values."""
_BAYER = {
    f'bayer_{pattern}{8 * size}': (pattern, size) for pattern in ('rggb', 'bggr', 'gbrg', 'grbg') for size in (1, 2)
}

ENCODINGS = (*_PACKED, *_YUV422, *_YUV_PLANES, *_BAYER)


def geometry(encoding: str, width: int, height: int) -> tuple[int, int] | None:
    """The fewest bytes of a row and the number of rows, or None if no image of this size can be in the encoding."""
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE and width * height <= MAX_PIXELS):
        return None
    if encoding in _PACKED:
        letters, size = _PACKED[encoding]
        return width * len(letters) * size, height
    if encoding in _YUV422:
        return (2 * width, height) if width % 2 == 0 else None
    if encoding in _YUV_PLANES:
        if encoding == 'nv24':
            return width, 3 * height
        return (width, height * 3 // 2) if width % 2 == height % 2 == 0 else None
    if encoding in _BAYER:
        return (width * _BAYER[encoding][1], height) if min(width, height) >= 3 else None
    return None


def picture(message: Any) -> np.ndarray | None:
    """``(H, W, 3)`` float RGB 0..255, not rounded, or None where the message is no image. NaN where the definition
    leaves it open: the border of a mosaic, video darker than black."""
    shape = geometry(message.encoding, message.width, message.height)
    if shape is None or message.step < shape[0] or len(message.data) != shape[1] * message.step:
        return None
    show = np.full((message.height, message.width, 3), np.nan)
    for y in range(message.height):
        for x in range(message.width):
            show[y, x] = _pixel(message, x, y)
    return show


def _value(message: Any, at: int, size: int) -> float:
    if size == 1:
        return message.data[at]
    raw = bytes(message.data[at : at + 2])
    return struct.unpack('>H' if message.is_bigendian else '<H', raw)[0] * 255 / 65535


def _pixel(message: Any, x: int, y: int) -> tuple[float, float, float]:
    row = y * message.step
    if message.encoding in _PACKED:
        letters, size = _PACKED[message.encoding]
        values = {
            letter: _value(message, row + (x * len(letters) + n) * size, size) for n, letter in enumerate(letters)
        }
        return (values['y'],) * 3 if 'y' in values else (values['r'], values['g'], values['b'])
    if message.encoding in _YUV422:
        luma, u, v = _YUV422[message.encoding]
        pair = row + x // 2 * 4
        return _rgb(message.data[pair + luma + x % 2 * 2], message.data[pair + u], message.data[pair + v])
    if message.encoding in _YUV_PLANES:
        u, v = _YUV_PLANES[message.encoding]
        after = message.height * message.step
        chroma = (
            after + y * 2 * message.step + 2 * x
            if message.encoding == 'nv24'
            else after + y // 2 * message.step + x // 2 * 2
        )
        return _rgb(message.data[row + x], message.data[chroma + u], message.data[chroma + v])
    return _mosaic(message, x, y)


def _rgb(y: int, u: int, v: int) -> tuple[float, float, float]:
    """ITU-R BT.601, video range, which begins at 16: what is darker than black is left open."""
    if y < 16:
        return np.nan, np.nan, np.nan
    light, blue, red = 255 / 219 * (y - 16), 255 / 224 * (u - 128), 255 / 224 * (v - 128)
    rgb = light + 1.402 * red, light - 0.344136 * blue - 0.714136 * red, light + 1.772 * blue
    return tuple(min(255.0, max(0.0, value)) for value in rgb)  # type: ignore[return-value]


def _mosaic(message: Any, x: int, y: int) -> tuple[float, float, float]:
    """Each colour is the mean of its nearest values; inside, where all neighbours are."""
    pattern, size = _BAYER[message.encoding]
    if not (0 < x < message.width - 1 and 0 < y < message.height - 1):
        return np.nan, np.nan, np.nan
    near: dict[str, dict[int, list[float]]] = {'r': {}, 'g': {}, 'b': {}}
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            colour = pattern[(y + dy) % 2 * 2 + (x + dx) % 2]
            near[colour].setdefault(abs(dx) + abs(dy), []).append(
                _value(message, (y + dy) * message.step + (x + dx) * size, size)
            )
    r, g, b = (near[colour][min(near[colour])] for colour in 'rgb')
    return sum(r) / len(r), sum(g) / len(g), sum(b) / len(b)
