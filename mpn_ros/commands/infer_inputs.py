"""What ``mpn infer`` is told to look at: files, folders, patterns, standard input, cameras and streams."""

from __future__ import annotations

import glob
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mpn_ros.errors import ImageError
from mpn_ros.files import printable
from mpn_ros.media.live import is_live, without_login
from mpn_ros.media.pillow import picture_suffixes

SUFFIXES = ('.json', '_overlay.jpg', '_overlay.mp4')
"""What is written beside each other for an input, after its stem."""
_VIDEOS = frozenset(
    '.mp4 .m4v .mov .mkv .webm .avi .ts .mts .m2ts .mpg .mpeg .flv .wmv .asf .ogv .3gp .h264 .264 '
    '.h265 .hevc .265 .mjpeg .mjpg .ivf .y4m .mxf .vob'.split()
)
_OURS = re.compile(r'(.+)_overlay\.(?:jpg|mp4)')


@dataclass(frozen=True)
class Source:
    """An input under the ``name`` that it was given, with the ``stem`` that its results would have: a file at ``path``,
    or without one, a camera or a stream."""

    name: str
    stem: str
    path: Path | None = None


def find_sources(words: Sequence[str], stdin: Path, tell: Callable[[ImageError], None]) -> list[Source]:
    """The sources that the ``words`` of a command line mean. ``tell`` hears of a word that means nothing. Standard
    input, '-', is copied to the file ``stdin``."""
    sources: list[Source] = []
    for word in words:
        try:
            sources += _sources(word, stdin)
        except ImageError as error:
            tell(error)
    return sources


def _sources(word: str, stdin: Path) -> Iterator[Source]:
    path = Path(word)
    if word == '-':
        if sys.stdin is None:
            raise ImageError('standard input is closed')
        try:
            with stdin.open('wb') as file:
                shutil.copyfileobj(sys.stdin.buffer, file)
        except OSError as error:
            raise ImageError(f'standard input cannot be read: {error.strerror}') from error
        if not stdin.stat().st_size:
            raise ImageError('standard input is empty')
        yield Source('standard input', 'stdin', stdin)
    elif is_live(word):
        yield Source(word, re.sub(r'\W+', '_', without_login(word)).strip('_')[:100])
    elif os.path.isdir(word):
        files = sorted(file for file in _entries(path) if _is_media(file))
        if not files:
            raise ImageError(f'{word} is a folder without pictures and videos; folders in it are not looked into')
        yield from (Source(str(file), file.stem, file) for file in files)
    elif not os.path.lexists(word) and glob.has_magic(word):
        found = sorted(name for name in glob.glob(word, recursive=True) if not os.path.isdir(name))
        if not found:
            raise ImageError(f"no file is named as '{word}'")
        yield from (Source(name, Path(name).stem, Path(name)) for name in found)
    else:
        yield Source(word, path.stem, path)


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise ImageError(f'{folder} cannot be read: {error.strerror}') from error


def _is_media(path: Path) -> bool:
    """Whether a file in a folder is meant: by its suffix, and not if it is an overlay with its JSON beside it."""
    ours = _OURS.fullmatch(path.name)
    return (
        path.suffix.lower() in _VIDEOS | picture_suffixes()
        and path.is_file()
        and not path.name.startswith('.')
        and not (ours and path.with_name(f'{ours[1]}.json').exists())
    )


def output_stems(sources: Sequence[Source], out: Path) -> list[str]:
    """A name in ``out`` for each source: its own stem, numbered where two would share one or overwrite an input."""
    originals = {os.path.realpath(source.path) for source in sources if source.path is not None}
    folder = os.path.realpath(out)
    stems: list[str] = []
    taken: set[str] = set()
    for source in sources:
        stem, number = source.stem, 1
        while stem.casefold() in taken or any(os.path.join(folder, stem + suffix) in originals for suffix in SUFFIXES):
            number += 1
            stem = f'{source.stem}_{number}'
        taken.add(stem.casefold())
        stems.append(stem)
    return stems


def recorded_name(source: Source) -> str:
    """The source as its JSON names it, in UTF-8 and without the password of an address."""
    return printable(without_login(source.name) if source.path is None else source.name)
