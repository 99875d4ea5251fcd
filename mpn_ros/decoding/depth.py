"""From a depth image message to an array. Works on any object with the fields of ``sensor_msgs/Image``; nothing of ROS
is imported."""

from __future__ import annotations

from typing import Any

import numpy as np

from mpn_ros.decoding.raw import check_size, pixel_rows
from mpn_ros.errors import ImageError

ENCODINGS = {'32FC1': 'f4', '16UC1': 'u2', 'mono16': 'u2'}
"""Encodings of depth (REP-118): metres as floats, millimetres as whole numbers."""


def decode_depth(message: Any) -> np.ndarray:
    """``(h, w)``, float32 metres or uint16 millimetres as ``mpn_ros.depth`` takes them, a view of the message where its
    byte order allows. Raises ImageError, one sentence, for anything that is not exactly a depth image."""
    name = message.encoding
    if name not in ENCODINGS:
        raise ImageError(f"the encoding '{name}' is not depth; there are {', '.join(ENCODINGS)}")
    check_size(message.width, message.height, f"depth in '{name}'")
    pixels = pixel_rows(message, ENCODINGS[name])[..., 0]
    return pixels.astype(pixels.dtype.newbyteorder('='), copy=False)
