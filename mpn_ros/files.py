"""Files that are there whole or not at all, and their names: to the system bytes, to many libraries UTF-8 alone."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mpn_ros.errors import ParameterError


def make_folder(path: Path, option: str) -> None:
    """Makes the folder that ``option`` names, before the work whose results it gets. Raises ParameterError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:  # the latter for a zero in the name
        why = error.strerror if isinstance(error, OSError) else error
        raise ParameterError(f'{option} {path} cannot be made a folder: {why}') from error


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file beside its place and moves it there: one that was there is replaced at the end, in one step. Raises
    OSError and then leaves nothing behind."""
    partial = path.with_name(f'.{path.name}.{os.getpid()}.part')
    try:
        partial.write_bytes(data)
        os.replace(partial, path)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()


def printable(path: str | Path) -> str:
    """The name as text that is UTF-8: bytes that are not are written as in ``caf\\xe9.jpg``."""
    return os.fsencode(path).decode('utf-8', 'backslashreplace')


@contextlib.contextmanager
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
