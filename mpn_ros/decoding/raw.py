"""From an image message to an array: every encoding a camera uses, checked before a byte is read.

Works on any object with the fields of ``sensor_msgs/Image``; nothing of ROS is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np

from mpn_ros.conventions import ChannelOrder
from mpn_ros.errors import ImageError

MAX_SIDE = 16384
"""Longest side in pixels that is believed; more is a damaged or hostile message."""
MAX_PIXELS = 1 << 26
"""Most pixels of one image, so that no message makes us allocate more than 200 MB for its picture."""


class DecodedImage(NamedTuple):
    """``array`` ``(H, W, 3)`` uint8, a view of the message where its bytes allow it, and the order of its channels."""

    array: np.ndarray
    channel_order: ChannelOrder


@dataclass(frozen=True)
class Encoding:
    """How pixels lie in memory and what makes a picture of them.

    channels: values of a pixel in a row; itemsize: bytes of a value; rows: rows of ``step`` bytes for 2 rows of pixels;
    multiple: what width and height must be multiples of; convert: ``(rows, W, channels)`` native endian to the picture.
    """

    channels: int
    convert: Callable[[np.ndarray], DecodedImage]
    itemsize: int = 1
    rows: int = 2
    multiple: tuple[int, int] = (1, 1)
    minimum: int = 1


def check_size(width: int, height: int, what: str) -> None:
    """Raises ImageError, beginning with ``what``, for a size that no picture has."""
    if width < 1 or height < 1:
        raise ImageError(f'{what} has no pixels: {width}x{height}')
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise ImageError(f'{what} of {width}x{height} is larger than {MAX_SIDE} a side or {MAX_PIXELS} pixels')


def to_8_bit(array: np.ndarray) -> np.ndarray:
    """16-bit values by 255/65535 and rounded, as cv_bridge does (65535 becomes 255); 8-bit values as they are."""
    return array if array.dtype == np.uint8 else cv2.convertScaleAbs(array, alpha=255 / 65535)


def _as_is(order: ChannelOrder) -> Callable[[np.ndarray], DecodedImage]:
    return lambda pixels: DecodedImage(to_8_bit(pixels), order)


def _by_code(code: int) -> Callable[[np.ndarray], DecodedImage]:
    """By OpenCV's conversion ``code``; 16-bit pictures are converted first and scaled then, as cv_bridge does."""

    def convert(pixels: np.ndarray) -> DecodedImage:
        plane = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
        return DecodedImage(to_8_bit(cv2.cvtColor(plane, code)), 'bgr')

    return convert


# ITU-R BT.601 in its video range, as OpenCV takes all its 4:2:2 and 4:2:0 codes; it has no code for 4:4:4 in two
# planes.
_BT601 = np.array([[1.164, 2.018, 0], [1.164, -0.391, -0.813], [1.164, 0, 1.596]])
_BT601 = np.hstack([_BT601, _BT601 @ [[-16], [-128], [-128]]])


def _nv24(pixels: np.ndarray) -> DecodedImage:
    """One plane of luma, then one of interleaved chroma at the same resolution, whose rows are twice as long."""
    height, width = pixels.shape[0] // 3, pixels.shape[1]
    chroma = np.lib.stride_tricks.as_strided(pixels[height:], (height, width, 2), (2 * pixels.strides[0], 2, 1))
    return DecodedImage(cv2.transform(np.dstack([pixels[:height], chroma]), _BT601), 'bgr')


# OpenCV names a Bayer pattern by its second row's second and third pixel, ROS by the first row's first two: RGGB is
# "BG".
BAYER = {
    'rggb': cv2.COLOR_BayerBG2BGR,
    'bggr': cv2.COLOR_BayerRG2BGR,
    'gbrg': cv2.COLOR_BayerGR2BGR,
    'grbg': cv2.COLOR_BayerGB2BGR,
}

_GRAY, _BGRA = _by_code(cv2.COLOR_GRAY2BGR), _by_code(cv2.COLOR_BGRA2BGR)
_RGBA = _by_code(cv2.COLOR_RGBA2BGR)
_UYVY = Encoding(2, _by_code(cv2.COLOR_YUV2BGR_UYVY), multiple=(2, 1))
_YUYV = Encoding(2, _by_code(cv2.COLOR_YUV2BGR_YUY2), multiple=(2, 1))

ENCODINGS: dict[str, Encoding] = {
    'rgb8': Encoding(3, _as_is('rgb')),
    'bgr8': Encoding(3, _as_is('bgr')),
    'rgba8': Encoding(4, _RGBA),
    'bgra8': Encoding(4, _BGRA),
    'rgb16': Encoding(3, _as_is('rgb'), itemsize=2),
    'bgr16': Encoding(3, _as_is('bgr'), itemsize=2),
    'rgba16': Encoding(4, _RGBA, itemsize=2),
    'bgra16': Encoding(4, _BGRA, itemsize=2),
    'mono8': Encoding(1, _GRAY),
    'mono16': Encoding(1, _GRAY, itemsize=2),
    '8UC1': Encoding(1, _GRAY),
    '8UC3': Encoding(3, _as_is('bgr')),
    '8UC4': Encoding(4, _BGRA),
    'yuv422': _UYVY,
    'uyvy': _UYVY,
    'yuv422_yuy2': _YUYV,
    'yuyv': _YUYV,
    'nv12': Encoding(1, _by_code(cv2.COLOR_YUV2BGR_NV12), rows=3, multiple=(2, 2)),
    'nv21': Encoding(1, _by_code(cv2.COLOR_YUV2BGR_NV21), rows=3, multiple=(2, 2)),
    'nv24': Encoding(1, _nv24, rows=6),
    **{
        f'bayer_{pattern}{8 * size}': Encoding(1, _by_code(code), itemsize=size, minimum=3)
        for pattern, code in BAYER.items()
        for size in (1, 2)
    },
}
"""Encodings of ``sensor_msgs/image_encodings`` that hold a picture. 16UC1 and 32FC1 are depth: ``depth.py``."""


def decode_image(message: Any, bridge: Any = None) -> DecodedImage:
    """The picture in a ``sensor_msgs/Image``: rows may be padded (``step``), 16-bit values of either endianness.

    ``bridge`` is a ``cv_bridge.CvBridge`` that takes over the conversions that it does right (``ros/bridge.py``).
    Raises ImageError, one sentence, for anything that is not exactly an image of its encoding.
    """
    name, width, height = message.encoding, message.width, message.height
    what = f"image in '{name}'"
    if name not in ENCODINGS:
        raise ImageError(f"no picture can be made of the encoding '{name}'; there are {', '.join(ENCODINGS)}")
    encoding = ENCODINGS[name]
    check_size(width, height, what)
    if width % encoding.multiple[0] or height % encoding.multiple[1] or min(width, height) < encoding.minimum:
        raise ImageError(
            f'{what} cannot be {width}x{height}: its sides must be multiples of {encoding.multiple} '
            f'and at least {encoding.minimum}'
        )
    pixels = pixel_rows(message, f'u{encoding.itemsize}', encoding.channels, height * encoding.rows // 2)
    if bridge is not None and _suits_bridge(message, pixels.strides[1]):
        return _by_bridge(message, bridge)
    pixels = pixels.astype(pixels.dtype.newbyteorder('='), copy=False)
    # OpenCV takes rows that begin within a 16-bit value for rows that begin with one.
    return encoding.convert(pixels if message.step % encoding.itemsize == 0 else pixels.copy())


def pixel_rows(message: Any, kind: str, channels: int = 1, rows: int | None = None) -> np.ndarray:
    """The bytes of a ``sensor_msgs/Image`` as ``(rows, W, channels)`` values of NumPy's type ``kind`` in the message's
    byte order: a view, in which the padding of rows is passed over. ``rows`` of ``step`` bytes are the image's height
    unless given. Raises ImageError, one sentence, where width, step and bytes do not agree."""
    width, height, step = message.width, message.height, message.step
    rows = height if rows is None else rows
    what = f"image in '{message.encoding}'"
    dtype = np.dtype(f'{">" if message.is_bigendian else "<"}{kind}')
    pixel = channels * dtype.itemsize
    if step < width * pixel:
        raise ImageError(f'{what} of {width}x{height} says a step of {step} bytes where a row takes {width * pixel}')
    if len(message.data) != rows * step:
        raise ImageError(
            f'{what} of {width}x{height} with a step of {step} has {len(message.data)} bytes instead of {rows * step}'
        )
    return np.ndarray((rows, width, channels), dtype, memoryview(message.data), strides=(step, pixel, dtype.itemsize))


BRIDGED = frozenset({'mono16', 'yuv422', 'yuv422_yuy2', *(name for name in ENCODINGS if name.startswith('bayer'))})
"""Encodings that cv_bridge converts to bgr8 and that need a conversion: for the others our view of the bytes is all it
takes."""


def _suits_bridge(message: Any, pixel: int) -> bool:
    """cv_bridge skews rows whose step is no whole number of pixels, and fails on big-endian images under NumPy 2."""
    return message.encoding in BRIDGED and message.step % pixel == 0 and not message.is_bigendian


def _by_bridge(message: Any, bridge: Any) -> DecodedImage:
    try:
        return DecodedImage(bridge.imgmsg_to_cv2(message, 'bgr8'), 'bgr')
    except Exception as error:  # cv_bridge raises its own, OpenCV's and the C++ layer's errors
        raise ImageError(f"cv_bridge cannot convert an image in '{message.encoding}': {error}") from error
