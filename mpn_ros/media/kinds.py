"""Whether a file is a picture, an animation or a video: by what is in it, and never by what a reader makes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import cv2

from mpn_ros.files import utf8_name
from mpn_ros.media.capture import is_video
from mpn_ros.media.images import picture_format
from mpn_ros.media.pillow import identify, is_animated
from mpn_ros.media.readable import readable

Kind = Literal['image', 'animation', 'video']

_STREAMS = '.mjpeg', '.mjpg'
"""Suffixes of JPEG files one after the other, which begin as one does."""


def media_kind(path: str | Path) -> Kind:
    """A still picture is one even if nothing here can unpack it; what is nothing at all counts as a video. Raises
    ImageError if the file cannot be opened."""
    path = readable(path)
    if path.suffix.lower() in _STREAMS:
        return 'video'
    picture = identify(path)
    if picture is not None:
        with picture:
            return 'animation' if is_animated(picture) else 'image'
    if picture_format(path) is not None:
        return 'image'
    with utf8_name(path) as name:
        if cv2.haveImageReader(name):
            return 'image'
    if not is_video(path) and identify(path, sure=False) is not None:
        return 'image'
    return 'video'


def is_image(path: str | Path) -> bool:
    """Whether the file is a still picture. Raises ImageError if it cannot be opened."""
    return media_kind(path) == 'image'
