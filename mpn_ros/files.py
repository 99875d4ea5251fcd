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


def unfinished_path(path: Path) -> Path:
    """Where this process writes what will be ``path``: beside it, hidden, and with the same suffix."""
    return path.with_name(f'.{path.stem}.{os.getpid()}.unfinished{path.suffix}')


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Gives a place to write to, and moves what is there to ``path`` at the end, in one step: a file that was there is
    replaced. Left by an exception, it leaves nothing behind. Raises OSError."""
    unfinished = unfinished_path(path)
    try:
        yield unfinished
        os.replace(unfinished, path)
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink()


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file as ``written_whole`` does. Raises OSError."""
    with written_whole(path) as unfinished:
        unfinished.write_bytes(data)


def printable(path: str | Path) -> str:
    """The name as text that is UTF-8: bytes that are not are written as in ``caf\\xe9.jpg``."""
    return os.fsencode(path).decode('utf-8', 'backslashreplace')


@contextlib.contextmanager
def utf8_name(path: Path) -> Iterator[str]:
    """An absolute name for the file, whether it is there already or not, for libraries that open it at once: its own,
    or where that is not UTF-8, the name of a link in a temporary folder."""
    # Absolute, so that 'a:b.mp4' is no protocol; without resolving links, which may be all that can be spelt.
    absolute = Path(os.path.abspath(path))
    if _is_utf8(absolute):
        yield str(absolute)
    else:
        with tempfile.TemporaryDirectory(dir=None if _is_utf8(tempfile.gettempdir()) else '/tmp') as folder:
            link = Path(folder, f'file{printable(path.suffix)}'.replace('\\', ''))
            link.symlink_to(absolute)
            yield str(link)


def _is_utf8(path: str | Path) -> bool:
    """Whether the system knows the path by the bytes that libraries make of its characters."""
    try:
        return str(path).encode() == os.fsencode(path)
    except UnicodeEncodeError:
        return False


def replace_between(page: Path, begin: str, end: str, text: str) -> None:
    """Puts ``text`` where a page has something between ``begin`` and ``end``."""
    before, rest = page.read_text().split(begin)
    page.write_text(before + begin + text + end + rest.split(end)[1])
