"""What the page shows of one image: picture and mask as files that browsers read, people as plain data."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np

from mpn_ros.decoding.raw import DecodedImage
from mpn_ros.instances import MOST
from mpn_ros.pipeline.draw import BOX, SIDES, TINT, Colour, body_side
from mpn_ros.pipeline.record import person_record
from mpn_ros.result import Person
from mpn_ros.skeleton import SkeletonLayout

PICTURE_SIDE, MASK_SIDE = 1280, 480
"""Longest side in pixels that is sent: more is no clearer on a page, but slower over a robot's radio."""
JPEG_QUALITY = 80
TINTS: tuple[Colour, ...] = (
    TINT,
    (70, 170, 70),
    (60, 60, 215),
    (200, 190, 40),
    (40, 190, 215),
    (200, 110, 235),
    (60, 110, 150),
    (150, 150, 150),
)
"""Of the people's own pixels, by id: a person keeps the colour."""


@dataclass(frozen=True)
class AnnotatedFrame:
    """An answered image.

    picture: makes its pixels; it is called when a browser asks for them, so that nobody watching costs nothing.
    size: width and height in pixels, which the people's positions refer to.
    mask: ``(H, W)`` uint8, n on the n-th of ``people``, or None.
    age: seconds from the image's stamp until its answer was here; None without a stamp.
    """

    picture: Callable[[], DecodedImage]
    size: tuple[int, int]
    people: tuple[Person, ...]
    mask: np.ndarray | None = None
    age: float | None = None

    def facts(self) -> dict[str, Any]:
        """What the page draws beside the pictures."""
        return {'size': self.size, 'people': [person_record(person) for person in self.people], 'age': self.age}

    @cached_property
    def jpeg(self) -> bytes:
        """The picture as JPEG. Raises ImageError."""
        array, order = self.picture()
        small = _shrink(array, PICTURE_SIDE)
        return _encode(
            '.jpg',
            small if order == 'bgr' else cv2.cvtColor(small, cv2.COLOR_RGB2BGR),
            cv2.IMWRITE_JPEG_QUALITY,
            JPEG_QUALITY,
        )

    @cached_property
    def png(self) -> bytes | None:
        """The mask as PNG, opaque on people, each in a colour of ``TINTS``."""
        if self.mask is None:
            return None
        opacity = _shrink(np.where(self.mask, np.uint8(255), np.uint8(0)), MASK_SIDE)
        numbers = cv2.resize(self.mask, opacity.shape[::-1], interpolation=cv2.INTER_NEAREST)
        # A pixel on the outline may be partly a person's and yet have no number: it takes that of its neighbour.
        numbers = np.where(numbers, numbers, cv2.dilate(numbers, np.ones((3, 3), np.uint8)))
        colours = np.full((256, 3), TINT, np.uint8)
        for number, person in enumerate(self.people[:MOST], start=1):
            colours[number] = TINTS[(number if person.id is None else person.id) % len(TINTS)]
        tinted = np.dstack([colours[numbers], opacity])
        return _encode('.png', tinted, cv2.IMWRITE_PNG_COMPRESSION, 1)


def palette(layout: SkeletonLayout) -> dict[str, Any]:
    """Bones as ``[from, to, colour]``, and the colour of each keypoint and of boxes, as in ``draw.py``."""
    return {
        'bones': [[a, b, _css(SIDES[body_side(layout, a, b)])] for a, b in layout.edges],
        'joints': [_css(SIDES[body_side(layout, keypoint)]) for keypoint in range(len(layout))],
        'box': _css(BOX),
    }


def _css(colour: Colour) -> str:
    blue, green, red = colour
    return f'rgb({red}, {green}, {blue})'


def _shrink(image: np.ndarray, longest: int) -> np.ndarray:
    scale = longest / max(image.shape[:2])
    return image if scale >= 1 else cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def _encode(suffix: str, image: np.ndarray, *options: int) -> bytes:
    return bytes(cv2.imencode(suffix, image, options)[1].data)


def multipart_form(facts: dict[str, Any], frame: AnnotatedFrame | None) -> tuple[str, bytes]:
    """Content type and bytes of a multipart/form-data with ``facts`` and the pictures of ``frame``: a browser takes it
    apart by itself, so that a picture and its people arrive as one."""
    parts = [('facts', 'application/json', json.dumps(facts).encode())]
    if frame is not None:
        parts.append(('picture', 'image/jpeg', frame.jpeg))
        if frame.png is not None:
            parts.append(('mask', 'image/png', frame.png))
    boundary = 'mpn-ros-frame-64f1c07e'
    head = '--{}\r\nContent-Disposition: form-data; name="{}"; filename="{}"\r\nContent-Type: {}\r\n\r\n'
    body = b''.join(
        head.format(boundary, name, name, kind).encode() + content + b'\r\n' for name, kind, content in parts
    )
    return f'multipart/form-data; boundary={boundary}', body + f'--{boundary}--\r\n'.encode()
