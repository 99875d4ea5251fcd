"""Photographs that are stored turned: whether a dataset's labels mean them as stored or as shown."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from mpn_ros.errors import ImageError
from mpn_ros.media.pillow import identify

_ORIENTATION = 0x0112
"""The EXIF tag: 1 as stored, 2 to 4 turned by 180 degrees or mirrored, 5 to 8 with width and height exchanged."""


class Reading(NamedTuple):
    """How a picture is read: ``upright``, turned as its metadata say, or as it is stored; ``sure`` unless its size fits
    both."""

    upright: bool
    sure: bool


def reading(path: Path, width: int, height: int, upright: bool) -> Reading:
    """How the picture ``path`` has the ``width`` and ``height`` of its labels. Of what both fit, ``upright`` decides.

    A file that cannot be opened is read as stored, and whoever reads it will be told.
    """
    try:
        picture = identify(path)
    except (ImageError, OSError):
        picture = None
    if picture is None:
        return Reading(False, True)
    with picture:
        stored = picture.size
        try:
            orientation = picture.getexif().get(_ORIENTATION, 1)
        except Exception:  # metadata that are damaged turn nothing
            orientation = 1
    if orientation not in range(2, 9):
        return Reading(False, True)
    shown = stored[::-1] if orientation >= 5 else stored
    if stored == shown == (width, height):
        return Reading(upright, False)
    return Reading(shown == (width, height), True)
