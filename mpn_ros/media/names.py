"""Names of files. To the system a name is bytes; OpenCV takes UTF-8 alone, and FFmpeg takes some for an address."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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


def printable(path: str | Path) -> str:
    """The name as text that is UTF-8: bytes that are not are written as in ``caf\\xe9.jpg``."""
    return os.fsencode(path).decode('utf-8', 'backslashreplace')


@contextmanager
def utf8_name(path: Path) -> Iterator[str]:
    """An absolute name for the file, whether it is there already or not, for libraries that open it at once: its own,
    or where that is not UTF-8, the name of a link in a temporary folder."""
    # Absolute, so that 'a:b.mp4' is no protocol; without resolving links, which may be all that can be spelt.
    absolute = Path(os.path.abspath(path))
    try:
        str(absolute).encode()
    except UnicodeEncodeError:
        with tempfile.TemporaryDirectory() as folder:
            link = Path(folder, f'file{printable(path.suffix)}'.replace('\\', ''))
            link.symlink_to(absolute)
            yield str(link)
    else:
        yield str(absolute)
