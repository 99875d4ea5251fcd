"""Where compiled graphs wait for the next start: a private folder, written in one step, checked before use."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from mpn_ros.errors import ParameterError

_DIGEST = 'sha256'
_UNFINISHED = 'unfinished-'
_MOST = 32  # graphs of one kind that are kept
_ABANDONED = 3600.0  # seconds after which an unfinished graph is that of a process that was killed
_KERNELS = 'TORCHINDUCTOR_CACHE_DIR'
_log = logging.getLogger(__name__)


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/mpn_ros``, by default ``~/.cache/mpn_ros``."""
    return Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache') / 'mpn_ros'


def get_or_build(kind: str, key: tuple[object, ...], build: Callable[[Path], None]) -> Path | None:
    """The folder of a compiled graph, made by ``build(folder)`` unless it is there, whole, from before.

    ``key`` is everything that decides the result: weights, shape, versions. ``build`` raises OSError if it cannot
    write. A folder whose files do not have the digest that was stored with them is built again. None where no folder
    can be written, or where it would be another user's; the caller then does without.
    """
    folder = cache_folder() / f'{kind}-{hashlib.sha256(repr(key).encode()).hexdigest()[:32]}'
    try:
        _claim(folder.parent)
        if folder.is_dir():
            if _is_whole(folder):
                with contextlib.suppress(OSError):  # a cache that cannot be written can still be read
                    os.utime(folder)
                return folder
            _log.warning('%s is damaged and is built again', folder)
            shutil.rmtree(folder, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=_UNFINISHED) as place:
            unfinished = Path(place) / 'graph'
            unfinished.mkdir(mode=0o700)
            build(unfinished)
            (unfinished / _DIGEST).write_text(_digest(unfinished))
            try:
                unfinished.rename(folder)
            except OSError:
                if not _is_whole(folder):  # another process was faster
                    raise
        _forget_oldest(kind)
    except OSError as error:
        _log.warning('compiled graphs are not kept: %s', error)
        return None
    return folder


def private_folder(name: str) -> Path | None:
    """A folder of the cache that nobody else can write, for a library that keeps files of its own; None where there can
    be none."""
    folder = cache_folder() / name
    try:
        _claim(folder.parent)
        _claim(folder)
    except OSError as error:
        _log.warning('compiled graphs are not kept: %s', error)
        return None
    return folder


def check_writable() -> None:
    """Raises ParameterError unless graphs can be kept in ``cache_folder()``."""
    try:
        _claim(cache_folder())
        with tempfile.TemporaryFile(dir=cache_folder()):
            pass
    except OSError as error:
        raise ParameterError(
            f'{cache_folder()} cannot be written ({error.strerror or error}): set XDG_CACHE_HOME to a '
            'folder of yours that can, here and where the network runs'
        ) from error


def set_inductor_cache_dir() -> None:
    """Has PyTorch put what it compiles, of which an export makes some too, into our cache. By default it is a folder in
    /tmp that others may have made before us, and is loaded from there. Another folder that the user has named stays.
    """
    named = os.environ.get(_KERNELS)
    # PyTorch itself names its default there once something was exported.
    if not named or Path(named).match(f'{tempfile.gettempdir()}/torchinductor_*'):
        os.environ[_KERNELS] = str(private_folder('inductor') or tempfile.mkdtemp(prefix='mpn_ros-'))


def _claim(parent: Path) -> None:
    """Makes the cache's folder, closed to others. Raises OSError where a user beside us and root can write: whoever
    can, decides what the network sees."""
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = parent.stat()
    if status.st_uid not in (os.getuid(), 0):
        raise PermissionError(f'{parent} belongs to another user')
    try:
        if stat.S_IMODE(status.st_mode) & 0o077:
            parent.chmod(0o700)
    except OSError:  # root's, or on a medium that is read only
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise


def _is_whole(folder: Path) -> bool:
    try:
        return (folder / _DIGEST).read_bytes() == _digest(folder).encode()
    except OSError:
        return False


def _forget_oldest(kind: str) -> None:
    """Keeps the graphs that were used last, and nothing of processes that were killed while they made one."""
    for place in cache_folder().glob(f'{_UNFINISHED}*'):
        if time.time() - place.stat().st_mtime > _ABANDONED:
            shutil.rmtree(place, ignore_errors=True)
    folders = sorted(cache_folder().glob(f'{kind}-*'), key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in folders[_MOST:]:
        shutil.rmtree(folder, ignore_errors=True)


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.name != _DIGEST:
            digest.update(path.name.encode())
            with path.open('rb') as file:
                while block := file.read(1 << 20):  # a graph at once would be memory that does not come back
                    digest.update(block)
    return digest.hexdigest()
