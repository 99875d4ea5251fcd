"""Still pictures in and out of files."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import ExifTags

from mpn_ros.decoding.jpeg import JPEG_END, JPEG_START, is_whole_jpeg
from mpn_ros.decoding.silence import decoders_silenced
from mpn_ros.errors import ImageError
from mpn_ros.files import write_whole
from mpn_ros.media.pillow import identify, is_known, unpack
from mpn_ros.media.readable import readable

_HEIF = {b'heic', b'heix', b'heim', b'heis', b'hevm', b'hevs', b'mif1', b'mif2', b'miaf'}
_BRANDS = {**dict.fromkeys(_HEIF, 'HEIF'), b'avif': 'AVIF', b'jxl ': 'JPEG XL', b'crx ': 'CR3', b'jp2 ': 'JPEG 2000'}
"""Kinds of pictures whose files are built as those of videos are, and are one for FFmpeg."""
_SIGNATURES = {
    b'\xff\x0a': 'JPEG XL',
    b'\0\0\0\x0cJXL ': 'JPEG XL',
    b'8BPS': 'PSD',
    b'gimp xcf': 'XCF',
    b'%!PS': 'EPS',
    b'\xc5\xd0\xd3\xc6': 'EPS',
    b'%PDF': 'PDF',
    b'\x76\x2f\x31\x01': 'OpenEXR',
    b'SDPX': 'DPX',
    b'XPDS': 'DPX',
    b'FUJIFILMCCD-RAW': 'RAF',
    b'qoif': 'QOI',
    b'DDS ': 'DDS',
}
_NEEDED = {
    'HEIF': 'pip install pillow-heif',
    'AVIF': 'pip install pillow-heif',
    'JPEG XL': 'pip install pillow-jxl-plugin',
}


class Still(NamedTuple):
    """``image`` ``(H, W, 3)`` uint8 BGR; ``whole`` unless the file is cut off and the decoder has painted the rest."""

    image: np.ndarray
    whole: bool


def picture_format(path: Path) -> str | None:
    """The name of a format of pictures, if the file begins as one, whether anything here reads it or not."""
    with path.open('rb') as file:
        head = file.read(64)
    if head[4:8] == b'ftyp':
        size = int.from_bytes(head[:4], 'big')
        brands = [head[8:12], *(head[at : at + 4] for at in range(16, min(size, len(head)), 4))]
        # A sequence of pictures has the brands of pictures among its compatible ones, its own as the first.
        return _BRANDS.get(brands[0]) or (
            None
            if brands[0] in (b'msf1', b'hevc', b'avis')
            else next((_BRANDS[brand] for brand in brands if brand in _HEIF - {b'mif1', b'miaf'}), None)
        )
    return next((name for signature, name in _SIGNATURES.items() if head.startswith(signature)), None)


def load_image(path: str | Path, upright: bool = True) -> Still:
    """A picture, turned ``upright`` as its metadata say, or as it is stored; of an animation the first. Raises
    ImageError, which names the package where a known one would read it."""
    path = readable(path)
    picture = identify(path) or identify(path, sure=False)
    try:
        data = np.fromfile(path, np.uint8)
        whole = bytes(data[:2]) != JPEG_START or is_whole_jpeg(data.data)
        # OpenCV does not turn AVIF and HEIF.
        turned_by_pillow = picture is not None and picture.format in ('AVIF', 'HEIF')
        image = None if turned_by_pillow else _decode(data, upright, whole)
        if image is None and picture is not None:
            with decoders_silenced(of_files=True):
                image = unpack(picture, upright)
            if image is None and turned_by_pillow:
                image = _decode(data, upright, whole)
    finally:
        if picture is not None:
            picture.close()
    if image is None:
        kind = picture_format(path)
        if kind is not None and picture is None and not is_known(kind):
            needs = f': {_NEEDED[kind]}' if kind in _NEEDED else '; save it as JPEG or PNG'
            raise ImageError(f'{path} is a picture in {kind}, which nothing here can decode{needs}')
        raise ImageError(f'{path} is not a picture that can be decoded')
    return Still(image, whole)


def aspect_ratio(path: str | Path) -> float | None:
    """Width by height of a picture as ``load_image`` turns it, from what its file begins with; None where that does not
    tell."""
    try:
        picture = identify(readable(path))
    except ImageError:
        return None
    if picture is None:
        return None
    with picture:
        try:
            turned = picture.getexif().get(ExifTags.Base.Orientation, 1) >= 5
        except Exception:  # metadata that are damaged turn nothing
            turned = False
        width, height = picture.size
    return height / width if turned else width / height


def read_image(path: str | Path, upright: bool = True) -> np.ndarray:
    """``(H, W, 3)`` uint8, BGR, turned ``upright`` as its metadata say, or as it is stored. Raises ImageError, for a
    picture that is cut off too."""
    image, whole = load_image(path, upright)
    if not whole:
        raise ImageError(f'{path} is cut off')
    return image


def write_image(path: str | Path, image: np.ndarray) -> None:
    """Writes ``(H, W, 3)`` BGR in the format that the suffix names, whole or not at all. Raises ImageError."""
    path = Path(path)
    try:
        done, data = cv2.imencode(path.suffix or '.', image)
    except cv2.error:
        done = False
    if not done:
        raise ImageError(f"{path} cannot be written: an image of {image.shape[1]}x{image.shape[0]} as '{path.suffix}'")
    try:
        write_whole(path, data.tobytes())
    except OSError as error:
        raise ImageError(f'{path} cannot be written: {error.strerror}') from error


def _decode(data: np.ndarray, upright: bool, whole: bool) -> np.ndarray | None:
    """By OpenCV, which reads on to the end of the image, wherever that is."""
    flags = cv2.IMREAD_COLOR if upright else cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    if not whole:
        data = np.concatenate([data, np.frombuffer(JPEG_END, np.uint8)])
    try:
        with decoders_silenced(of_files=True):
            image = cv2.imdecode(data, flags)
    except (cv2.error, MemoryError):
        return None
    if image is not None and image.ndim == 2:  # it leaves floating point grey
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    return image if image is None or image.dtype == np.uint8 else None
