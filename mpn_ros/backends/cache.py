"""Where compiled graphs wait for the next start: a private folder, written in one step, checked before use."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

_DIGEST = 'sha256'
_MOST = 32  # graphs of one kind that are kept
_log = logging.getLogger(__name__)


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/mpn_ros``, by default ``~/.cache/mpn_ros``."""
    return Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache') / 'mpn_ros'


def cached(kind: str, key: tuple[object, ...], build: Callable[[Path], None]) -> Path | None:
    """The folder of a compiled graph, made by ``build(folder)`` unless it is there, whole, from before.

    ``key`` is everything that decides the result: weights, shape, versions. ``build`` raises OSError if it cannot
    write. A folder whose files do not have the digest that was stored with them is built again. None where no folder
    can be written; the caller then does without.
    """
    folder = cache_folder() / f'{kind}-{hashlib.sha256(repr(key).encode()).hexdigest()[:32]}'
    if folder.is_dir():
        if _is_whole(folder):
            os.utime(folder)
            return folder
        _log.warning('%s is damaged and is built again', folder)
        shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as place:
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


def _is_whole(folder: Path) -> bool:
    try:
        return (folder / _DIGEST).read_bytes() == _digest(folder).encode()
    except OSError:
        return False


def _forget_oldest(kind: str) -> None:
    """Keeps the graphs that were used last."""
    folders = sorted(cache_folder().glob(f'{kind}-*'), key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in folders[_MOST:]:
        shutil.rmtree(folder, ignore_errors=True)


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.name != _DIGEST:
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()
