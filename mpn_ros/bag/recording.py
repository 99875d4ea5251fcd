"""A recording as it may come from anywhere: what is wrong with its files is told in one sentence, and what they claim
of themselves costs no memory."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

from lz4.frame import LZ4FrameDecompressor
from rosbags.interfaces import Connection
from rosbags.rosbag2 import ReaderError, reader, storage_mcap

from mpn_ros.bag.storage import BagReader
from mpn_ros.errors import MpnError

MOST = 2**29
"""Bytes that a chunk or a message may unpack to; the largest image that is decoded has half of that."""

ROOM = 2**30
"""Bytes that the disk of temporary files keeps free while a recording that is packed as a whole is unpacked there."""
_STEP = 2**24


def _bounded(decompressor: Callable[[], Any]) -> Callable[[bytes, int], bytes]:
    """Unpacks ``data`` to ``size`` bytes; one more tells the caller that the size was a lie."""

    def unpack(data: bytes, size: int) -> bytes:
        if size > MOST:
            raise ReaderError(f'a part of it claims to unpack to {size} bytes, and at most {MOST} are read')
        unpacked: bytes = decompressor().decompress(data, max_length=size + 1)
        return unpacked

    return unpack


def _unpack_message(data: bytes) -> bytes:
    unpacked = _unzstd(data, MOST)
    if len(unpacked) > MOST:
        raise ReaderError(f'a message unpacks to more than {MOST} bytes')
    return unpacked


def _unpack_file(packed: BinaryIO, unpacked: BinaryIO) -> None:
    while content := packed.read(_STEP):
        disk = os.statvfs(unpacked.name)
        if disk.f_bavail * disk.f_frsize < ROOM + len(content):
            raise ReaderError(
                f'unpacked it would leave less than {ROOM / 1e9:.1f} GB of the disk of '
                f'{tempfile.gettempdir()}; the variable TMPDIR names another place'
            )
        unpacked.write(content)


def _check_stamp(stamp: object) -> None:
    if not isinstance(stamp, int) or not 0 <= stamp < 2**63:
        raise ReaderError(f'{stamp!r} is no time in ns')


_unzstd = _bounded(storage_mcap.zstd.ZstdDecompressor)
# rosbags itself compares the sizes after all is unpacked, when a chunk of a few kilobytes may have taken all memory.
storage_mcap.DECOMPRESSORS.update(zstd=_unzstd, lz4=_bounded(LZ4FrameDecompressor))
# It would fill the disk.
reader.shutil = SimpleNamespace(copyfileobj=_unpack_file)  # type: ignore[attr-defined, assignment]


class Recording(AbstractContextManager['Recording']):
    """A rosbag2 folder, or a single .mcap or .db3 of one. All of it raises MpnError where the files are not what they
    should be; ``start_time`` is in ns, ``message_count`` is what the files announce. ``foreign`` names the topics that
    are no messages of ROS 2, with their encoding; they are passed over."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._told():
            # Opening a pipe would wait for somebody to write to it.
            for file in path.iterdir() if path.is_dir() else [path]:
                if file.exists() and not (file.is_file() or file.is_dir()):
                    raise ReaderError(f'{file.name} is not a file')
            self._reader = BagReader(path)
            self._reader.open()
        # Messages that are compressed one by one come as they are, and are unpacked here.
        self._packed = self._reader.compression_mode == 'message'
        if self._packed:
            self._reader.storage.metadata = self._reader.storage.metadata._replace(compression_mode=None)
        self.connections: list[Connection] = self._reader.connections
        self.start_time, self.message_count = self._reader.start_time, self._reader.message_count
        files = self._reader.files
        self.foreign = {topic: encoding for file in files for topic, encoding in file.foreign.items()}
        with self._told():
            _check_stamp(self.start_time)
            if path.is_dir():  # the metadata count for all files, and those for themselves
                self.message_count = max(
                    int(self.message_count) - sum(file.left_out for file in files),
                    sum(file.metadata.message_count for file in files),
                )

    def __exit__(self, *_: object) -> None:
        self._reader.close()

    def messages(self, connections: Collection[Connection] = ()) -> Iterator[tuple[Connection, int, bytes]]:
        """Connection, stamp in ns and serialized message of all, or of these ``connections``, in the order in which
        they were recorded."""
        messages = self._reader.messages(connections)
        while True:
            with self._told():
                message = next(messages, None)
                if message is None:
                    return
                connection, stamp, data = message
                _check_stamp(stamp)
                if self._packed:
                    data = _unpack_message(data)
            yield connection, stamp, data

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Whatever rosbags comes upon in a file, of which it foresees a part."""
        try:
            yield
        except OSError as error:
            raise MpnError(f'{self.path} cannot be read: {error.strerror or error}') from error
        except Exception as error:
            why = ' '.join(str(error).split()) or type(error).__name__
            raise MpnError(f'{self.path} is not a whole rosbag2 recording: {why}') from error
