"""Whether a file of a video ends before its container says that it does, by the sizes that its parts announce."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_EBML, _SEGMENT, _CLUSTER = 0x1A45DFA3, 0x18538067, 0x1F43B675
_BOXES = b'ftyp', b'moov', b'mdat', b'free', b'skip', b'wide', b'pnot', b'styp', b'moof', b'sidx'
_LONGEST_INDEX = 2**28


def ends_early(path: Path) -> bool:
    """Whether parts are missing at the end of an MP4 (QuickTime), Matroska (WebM), AVI or FLV file. False where the
    container announces no end, as that of a broadcast."""
    size = path.stat().st_size
    with path.open('rb') as file:
        head = file.read(12)
        if head[4:8] in _BOXES:
            ends = _boxes(file, size)
        elif head[:4] == _EBML.to_bytes(4, 'big'):
            ends = _elements(file, size)
        elif head[:4] == b'RIFF' and head[8:] == b'AVI ':
            ends = _chunks(file, size)
        elif head[:3] == b'FLV':
            ends = _tags(file, size)
        else:
            return False
        return any(end > size for end in ends)


def lists_frames(path: Path) -> bool:
    """Whether the container lists its frames, as MP4 does: others only announce a duration."""
    with path.open('rb') as file:
        return file.read(8)[4:] in _BOXES


def edited_seconds(path: Path) -> float | None:
    """How long the picture of an MP4 is by its list of edits, which leaves frames out that are in the file: a copy of a
    stream begins with those that the first one shown is decoded from. None where there is no list."""
    with path.open('rb') as file:
        file_end = path.stat().st_size
        for kind, begin, end in _children(file, 0, file_end):
            if kind == b'moov' and end <= file_end:
                file.seek(begin)
                return _edited_seconds(file.read(min(end - begin, _LONGEST_INDEX)))
    return None


def _edited_seconds(moov: bytes) -> float | None:
    file = io.BytesIO(moov)
    scale = 0
    for kind, begin, end in _children(file, 0, len(moov)):
        if kind == b'mvhd':
            at = begin + (20 if moov[begin : begin + 1] == b'\1' else 12)
            scale = int.from_bytes(moov[at : at + 4], 'big')
        elif kind == b'trak' and b'vide' in moov[begin:end] and scale:
            at = moov.find(b'elst', begin, end) + 4
            if at < begin + 4:
                return None
            width = 8 if moov[at] == 1 else 4
            count = min(int.from_bytes(moov[at + 4 : at + 8], 'big'), (end - at) // (2 * width))
            entries = (at + 8 + index * (2 * width + 4) for index in range(count))
            shown = (
                int.from_bytes(moov[entry : entry + width], 'big')
                for entry in entries
                if moov[entry + width : entry + 2 * width] != b'\xff' * width
            )  # empty edits show nothing
            return sum(shown) / scale or None
    return None


def _children(file: BinaryIO, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, and begin and end of the content, of each box between two places."""
    while at + 8 <= end:
        file.seek(at)
        header = file.read(16)
        length, head = int.from_bytes(header[:4], 'big'), 8
        if length == 1:
            length, head = int.from_bytes(header[8:], 'big'), 16
        elif length == 0:  # to the end of the file
            length = end - at
        if length < head:
            return
        yield header[4:8], at + head, at + length
        at += length


def _boxes(file: BinaryIO, size: int) -> Iterator[int]:
    """The ends of the boxes of an MP4 file (ISO/IEC 14496-12, section 4.2); beyond the file's if a box is no box."""
    at = 0
    for _, _, at in _children(file, 0, size):
        yield at
    if at < size:  # zeros in the place of a box, or less than a head
        yield size + 1


def _elements(file: BinaryIO, size: int) -> Iterator[int]:
    """The ends of the parts of a Matroska file (RFC 8794, section 4): of its segments and their children."""
    at = 0
    while at < size:
        file.seek(at)
        element, name_length = _number(file, marked=True)
        length, length_length = _number(file)
        if not element or not length_length:  # cut within a head, or zeros in the place of one
            yield size + 1
            return
        unknown = length == (1 << 7 * length_length) - 1
        at += name_length + length_length
        if element == _SEGMENT:  # its children come next
            if not unknown:
                yield at + length
        elif unknown:
            if element != _CLUSTER:
                return
        else:
            at += length
            yield at


def _number(file: BinaryIO, marked: bool = False) -> tuple[int, int]:
    """A number of EBML, with the mark of its length or without, and its length in bytes; 0, 0 at the end or where there
    is none."""
    first = file.read(1)
    if not first or not first[0]:
        return 0, 0
    length = 9 - first[0].bit_length()
    rest = file.read(length - 1)
    if len(rest) < length - 1:
        return 0, 0
    value = int.from_bytes(first + rest, 'big')
    return (value if marked else value & ((1 << 7 * length) - 1)), length


def _chunks(file: BinaryIO, size: int) -> Iterator[int]:
    """The ends of the RIFF chunks of an AVI file and of the list of its frames."""
    at = 0
    while at + 8 <= size:
        file.seek(at)
        header = file.read(12)
        length = int.from_bytes(header[4:8], 'little')
        if header[:4] != b'RIFF':  # what was appended is none of the container's
            return
        yield at + 8 + length
        at += 8 + length + length % 2


def _tags(file: BinaryIO, size: int) -> Iterator[int]:
    """The ends of the tags of an FLV file, each with its length behind it."""
    at = 13
    while at < size:
        file.seek(at)
        header = file.read(11)
        at += 11 + int.from_bytes(header[1:4], 'big') + 4
        yield at if len(header) == 11 and header[0] & 0x1F in (8, 9, 18) else size + 1
