"""Compressed images made up by hypothesis: PNG written here from its definition, JPEG by OpenCV; and both damaged."""

from __future__ import annotations

import struct
import zlib
from array import array
from dataclasses import dataclass, replace
from random import Random
from types import SimpleNamespace

import cv2
import numpy as np
from hypothesis import strategies as st

from mpn_ros.decoding.compressed import decode_compressed
from mpn_ros.errors import ImageError

_COLOUR_TYPES = {'grey': 0, 'rgb': 2, 'palette': 3, 'grey and alpha': 4, 'rgba': 6}
_VALUES = {'grey': 1, 'rgb': 3, 'palette': 1, 'grey and alpha': 2, 'rgba': 4}
FORMATS = ('', 'png', 'jpeg', 'bgr8; png compressed bgr8', 'bgr8; jpeg compressed bgr8')


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk of a PNG file with its length and checksum."""
    return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))


def png(rows: np.ndarray, colours: str, palette: np.ndarray | None = None) -> bytes:
    """A PNG of ``rows`` ``(H, W, values)`` uint8 or uint16; ``palette`` ``(n, 3)`` RGB."""
    height, width = rows.shape[:2]
    depth = 8 * rows.dtype.itemsize
    lines = b''.join(b'\0' + row.astype(rows.dtype.newbyteorder('>')).tobytes() for row in rows)
    header = struct.pack('>IIBBBBB', width, height, depth, _COLOUR_TYPES[colours], 0, 0, 0)
    colour_map = b'' if palette is None else chunk(b'PLTE', palette.astype(np.uint8).tobytes())
    return (
        b'\x89PNG\r\n\x1a\n'
        + chunk(b'IHDR', header)
        + colour_map
        + chunk(b'IDAT', zlib.compress(lines))
        + chunk(b'IEND', b'')
    )


@dataclass(frozen=True)
class File:
    """A file, the ``format`` under which it is sent, and the RGB that it shows, where that is exact."""

    data: bytes
    format: str
    rgb: np.ndarray | None


@st.composite
def pngs(draw: st.DrawFn) -> File:
    """Grey, colour, palette and alpha in 8 and 16 bits, at most 12x12."""
    colours = draw(st.sampled_from(tuple(_VALUES)))
    deep = colours != 'palette' and draw(st.booleans())
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    shape = draw(st.integers(1, 12)), draw(st.integers(1, 12)), _VALUES[colours]
    palette = random.integers(0, 256, (16, 3)) if colours == 'palette' else None
    most = 16 if palette is not None else 65536 if deep else 256
    rows = random.integers(0, most, shape).astype(np.uint16 if deep else np.uint8)
    if palette is not None:
        rgb = palette[rows[..., 0]]
    else:
        levels = rows * (255 / 65535) if deep else rows
        rgb = levels[..., :3] if colours in ('rgb', 'rgba') else np.repeat(levels[..., :1], 3, -1)
    return File(png(rows, colours, palette), draw(st.sampled_from(FORMATS)), rgb)


@st.composite
def jpegs(draw: st.DrawFn) -> File:
    """Grey or colour, sequential or progressive, with and without restart markers."""
    shape = draw(st.integers(1, 24)), draw(st.integers(1, 24)), draw(st.sampled_from((1, 3)))
    pixels = np.random.default_rng(draw(st.integers(0, 2**32))).integers(0, 256, shape, np.uint8)
    options = [
        cv2.IMWRITE_JPEG_PROGRESSIVE,
        draw(st.integers(0, 1)),
        cv2.IMWRITE_JPEG_RST_INTERVAL,
        draw(st.integers(0, 2)),
        cv2.IMWRITE_JPEG_QUALITY,
        draw(st.integers(1, 100)),
    ]
    return File(cv2.imencode('.jpg', pixels, options)[1].tobytes(), draw(st.sampled_from(FORMATS)), None)


def damaged(file: File, random: Random) -> File:
    """The file with some damage."""
    return replace(file, data=damage(file.data, random))


def damage(content: bytes, random: Random) -> bytes:
    """One to four changes: cut off, bytes changed, inserted, removed or doubled."""
    data = bytearray(content)
    for change in random.choices(('cut', 'change', 'insert', 'remove', 'double'), k=random.randint(1, 4)):
        at = random.randint(0, max(0, len(data) - 1))
        if change == 'cut':
            del data[at:]
        elif change == 'change':
            data[at : at + 1] = random.randbytes(1)
        elif change == 'insert':
            data[at:at] = random.randbytes(random.randint(1, 8))
        elif change == 'remove':
            del data[at : at + random.randint(1, 8)]
        else:
            data[at:at] = data[at : at + random.randint(1, 64)]
    return bytes(data)


def resealed(file: File) -> File:
    """The file, if it is a PNG, with right checksums whatever it holds, as somebody with a purpose would send it."""
    data, at = bytearray(file.data), 8
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], 'big')
        data[end : end + 4] = struct.pack('>I', zlib.crc32(data[at + 4 : end]))
        at = end + 4
    return replace(file, data=bytes(data), rgb=None)


def check_file(file: File, may_refuse: bool = False) -> None:
    """The file is shown as it is; a damaged one (``may_refuse``) is that or refused in one sentence, never something
    else. JPEG has no checksum: of a damaged one only the size is known."""
    try:
        shown = decode_compressed(SimpleNamespace(format=file.format, data=array('B', file.data)))
    except ImageError as error:
        assert may_refuse, f'a right file is refused: {error}'
        assert '\n' not in str(error)
        return
    assert shown.array.dtype == np.uint8 and shown.array.ndim == 3 and shown.array.shape[2] == 3
    if file.rgb is not None:
        rgb = shown.array if shown.channel_order == 'rgb' else shown.array[..., ::-1]
        assert rgb.shape == file.rgb.shape and (np.abs(rgb - file.rgb) <= 0.5 + 1e-6).all()
