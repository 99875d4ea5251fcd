"""What Pillow reads: the formats and the animations that OpenCV does not know."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps

from mpn_ros.errors import ImageError

MAX_PIXELS = 2**28
"""Most pixels of a picture file, some 800 MB when it is unpacked; the largest cameras have 2 ** 27.6."""

_FOREIGN = frozenset({'EPS', 'MPEG', 'WMF', 'FPX', 'MIC', 'BUFR', 'GRIB', 'HDF5'})
"""Formats that Pillow would run Ghostscript for, that are videos, or of which it knows no more than the name."""
_ANIMATED = frozenset({'GIF', 'PNG', 'WEBP', 'AVIF', 'FLI'})
"""Formats whose pictures follow each other in time; those of others are pages, sizes or layers."""

# Its own bound is lower than what cameras take; it warns from the half of this on and refuses from this on.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2

logging.getLogger('PIL').addHandler(logging.NullHandler())  # it too has lines about damaged files

try:
    from pillow_heif import register_heif_opener
except ImportError:
    pass
else:
    register_heif_opener()


def identify(path: Path, sure: bool = True) -> Image.Image | None:
    """The picture, not unpacked yet, or None where Pillow knows none. ``sure``: by its first bytes, or its suffix where
    a format has none of its own. Raises ImageError for one of more than ``MAX_PIXELS``."""
    Image.init()
    own = Image.EXTENSION.get(path.suffix.lower())
    formats = [
        name for name in Image.ID if name not in _FOREIGN and not (sure and Image.OPEN[name][1] is None and name != own)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        try:
            return Image.open(path, formats=formats)
        except Image.DecompressionBombError as error:
            raise ImageError(f'{path} has more than {MAX_PIXELS} pixels') from error
        except Exception:  # each of its parsers has its own ways to fail
            return None


def is_known(name: str) -> bool:
    """Whether pictures of that format are read here, as Pillow calls it."""
    Image.init()
    return name in Image.OPEN and name not in _FOREIGN


def is_animated(image: Image.Image) -> bool:
    """Whether several pictures follow each other."""
    try:
        return image.format in _ANIMATED and bool(getattr(image, 'is_animated', False))
    except Exception:
        return False


def unpack(image: Image.Image, upright: bool = True) -> np.ndarray | None:
    """``(H, W, 3)`` uint8 BGR without what is transparent, turned ``upright`` as its metadata say; None where it is
    damaged."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        try:
            image.load()
            if upright:
                try:
                    image = ImageOps.exif_transpose(image)
                except Exception:  # metadata that are damaged turn nothing
                    pass
            return np.ascontiguousarray(_rgb(image)[..., ::-1])
        except Exception:
            return None


def _rgb(image: Image.Image) -> np.ndarray:
    """Values beyond 8 bits by 255/65535, or where their range is open, stretched from the least to the greatest."""
    if image.mode.startswith('I;16'):
        values = np.asarray(image).astype(np.float64) * (255 / 65535)
    elif image.mode in ('I', 'F'):
        values = np.nan_to_num(np.asarray(image, np.float64), posinf=0, neginf=0)
        values = (values - values.min()) * (255 / max(float(np.ptp(values)), 1e-9))
    elif image.mode == 'LAB':
        lab, srgb = ImageCms.createProfile('LAB'), ImageCms.createProfile('sRGB')
        return np.asarray(ImageCms.profileToProfile(image, lab, srgb, outputMode='RGB'))
    else:
        return np.asarray(image.convert('RGB'))
    return np.repeat(np.rint(values).astype(np.uint8)[..., None], 3, -1)


def picture_suffixes() -> frozenset[str]:
    """The suffixes of pictures, in lower case: those that Pillow knows, and of OpenCV's and HEIF's what it lacks."""
    Image.init()
    known = {suffix for suffix, name in Image.EXTENSION.items() if name not in _FOREIGN and name != 'PDF'}
    return frozenset(known | {'.heic', '.heif', '.avif', '.hdr', '.pic', '.exr', '.pfm', '.ras', '.sr', '.jxl'})
