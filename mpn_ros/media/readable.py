"""Files of pictures and videos, before OpenCV is asked to read them."""

from __future__ import annotations

import stat
from pathlib import Path

from mpn_ros.errors import ImageError


def readable(path: str | Path) -> Path:
    """The path, once it is sure that there is a file to read: OpenCV's own failures do not say why. Raises
    ImageError."""
    path = Path(path)
    try:
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # opening a pipe would wait for somebody to write to it
            raise ImageError(f'{path} is not a file')
        with path.open('rb') as file:
            if not file.read(1):
                raise ImageError(f'{path} is empty')
    except OSError as error:
        raise ImageError(f'{path} cannot be read: {error.strerror}') from error
    except ValueError as error:  # a zero in the name
        raise ImageError(f'{str(path)!r} cannot be read: {error}') from error
    return path
