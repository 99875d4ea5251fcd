"""An MCAP file read record by record: what is in it is found, whether its index knows of it or not."""

from __future__ import annotations

import heapq
import struct
from collections import Counter
from collections.abc import Collection, Generator, Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, NamedTuple

from rosbags.interfaces import Connection, ConnectionExtRosbag2, MessageDefinition, MessageDefinitionFormat
from rosbags.rosbag2 import ReaderError
from rosbags.rosbag2.metadata import ReaderMetadata
from rosbags.rosbag2.storage_mcap import decompress, get_qos, read_bytes, read_exact, read_string

MAGIC = b'\x89MCAP0\r\n'
HEADER, FOOTER, SCHEMA, CHANNEL, MESSAGE, CHUNK, STATISTICS, DATA_END = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0B, 0x0F
"""The records of the format that are looked at, by their first byte."""
_FORMATS = {
    'ros2msg': MessageDefinitionFormat.MSG,
    'ros2idl': MessageDefinitionFormat.IDL,
    'omgidl': MessageDefinitionFormat.IDL,
}
NEVER = 2**63 - 1


class _Chunk(NamedTuple):
    """Where a chunk's content begins, how it is packed, and the time of its first message in ns."""

    at: int
    compression: str
    size: int
    unpacked: int
    checksum: int
    start: int


class _Channel(NamedTuple):
    """The fields of a channel."""

    schema: int
    topic: str
    encoding: str
    metadata: bytes


class _Announced(NamedTuple):
    """What the file says of itself: messages, channels, first and last time in ns, messages by channel."""

    messages: int
    channels: int
    start: int
    end: int
    by_channel: dict[int, int]


class McapReader:
    """Reads one file for ``rosbags.rosbag2.Reader``, by its protocol. ``foreign`` names the topics that are no messages
    of ROS 2, with their encoding; they are passed over, and ``left_out`` says how many messages are theirs."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connections: list[Connection] = []
        self.metadata = ReaderMetadata(0, NEVER, 0, 0, None, None, None, None)
        self.foreign: dict[str, str] = {}
        self.left_out = 0
        self._file: BinaryIO | None = None
        self._schemas: dict[int, tuple[str, str, str]] = {}
        self._channels: dict[int, _Channel] = {}
        self._chunks: list[_Chunk] = []
        self._loose: list[tuple[int, int, int, int]] = []  # time, channel, place and size of messages in no chunk
        self._announced: _Announced | None = None

    def open(self) -> None:
        """Finds chunks, channels and what is announced. Raises ReaderError."""
        try:
            self._file = self.path.open('rb')
        except OSError as error:
            raise ReaderError(f'Could not open {self.path.name}: {error.strerror}') from error
        try:
            self._scan(self._file)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()
        self._file = None

    def messages(
        self, connections: Collection[Connection], start: int | None = None, stop: int | None = None
    ) -> Generator[tuple[Connection, int, bytes], None, None]:
        """Connection, time in ns and bytes of the messages of ``connections``, in the order of their times."""
        assert self._file is not None
        wanted = {connection.id: connection for connection in connections}
        first, last = 0 if start is None else start, NEVER if stop is None else stop
        sources: list[Iterator[tuple[int, int, int, bytes | None]]] = [
            self._unpacked(self._file, number, chunk, wanted) for number, chunk in enumerate(self._chunks)
        ]
        sources.append(self._single(self._file, wanted))
        for time, _, channel, data in heapq.merge(*sources, key=lambda message: message[:2]):
            if data is not None and first <= time < last:
                yield wanted[channel], time, data

    def _unpacked(
        self, file: BinaryIO, number: int, chunk: _Chunk, wanted: Collection[int]
    ) -> Iterator[tuple[int, int, int, bytes | None]]:
        yield chunk.start, number, 0, None  # so that it is not unpacked before its time
        content = self._content(file, chunk)
        found = []
        for kind, at, size in _records(content, 0, chunk.unpacked):
            if kind == MESSAGE:
                channel, time = _message_head(content, at, size)
                if channel in wanted:
                    found.append((time, number, channel, at + 22, size - 22))
        for time, _, channel, at, size in sorted(found, key=lambda message: message[0]):
            content.seek(at)
            yield time, number, channel, content.read(size)

    def _single(self, file: BinaryIO, wanted: Collection[int]) -> Iterator[tuple[int, int, int, bytes | None]]:
        for time, channel, at, size in sorted(self._loose, key=lambda message: message[0]):
            if channel in wanted:
                file.seek(at)
                yield time, len(self._chunks), channel, read_exact(file, size)

    @staticmethod
    def _content(file: BinaryIO, chunk: _Chunk) -> BytesIO:
        file.seek(chunk.at)
        return BytesIO(decompress(read_exact(file, chunk.size), chunk.compression, chunk.unpacked, chunk.checksum))

    def _scan(self, file: BinaryIO) -> None:
        if file.read(len(MAGIC)) != MAGIC:
            raise ReaderError('its first bytes are not those of MCAP')
        end = file.seek(0, 2)
        file.seek(max(0, end - len(MAGIC)))
        if file.read() != MAGIC:
            raise ReaderError("it was not closed, its last bytes are missing: 'mcap recover' mends it")
        self._data(file, len(MAGIC), end - len(MAGIC))
        self._summary(file, end)
        known = self._announced
        if (
            known is None
            or len(self._channels) != known.channels
            or sum(known.by_channel.values()) != known.messages
            or not {channel.schema for channel in self._channels.values()} - {0} <= self._schemas.keys()
        ):
            known = self._counted(file)
        connections = (self._connection(key, known.by_channel.get(key, 0)) for key in self._channels)
        self.connections = [connection for connection in connections if connection is not None]
        announced = self._announced or known
        if announced.messages:
            self.metadata = self.metadata._replace(
                start_time=announced.start,
                end_time=announced.end + 1,
                duration=announced.end - announced.start + 1,
                message_count=announced.messages - self.left_out,
            )

    def _data(self, file: BinaryIO, begin: int, end: int) -> None:
        """Reads the heads of all records up to the end of the data."""
        for kind, at, size in _records(file, begin, end):
            if kind == HEADER:
                profile = read_string(_body(file, at, size))
                if profile == 'ros1':
                    raise ReaderError("it is one of ROS 1: 'rosbags-convert --src IN --dst OUT' makes one of ROS 2")
            elif kind == MESSAGE:
                channel, time = _message_head(file, at, size)
                self._loose.append((time, channel, at + 22, size - 22))
            elif kind == CHUNK:
                self._chunks.append(_chunk(file, at, size))
            elif kind in (DATA_END, FOOTER):
                return
            else:
                self._describe(kind, file, at, size)

    def _summary(self, file: BinaryIO, end: int) -> None:
        file.seek(max(0, end - 37))
        footer = file.read(29)
        begin = int.from_bytes(footer[9:17], 'little')
        if footer[:9] != bytes([FOOTER]) + struct.pack('<Q', 20) or not begin:
            return
        for kind, at, size in _records(file, begin, end - 37):
            if kind == STATISTICS:
                body = _body(file, at, size)
                messages, _, channels, _, _, _, first, last = struct.unpack('<QHIIIIQQ', read_exact(body, 42))
                self._announced = _Announced(
                    messages, channels, first, last, dict(struct.iter_unpack('<HQ', read_bytes(body)))
                )
            else:
                self._describe(kind, file, at, size)

    def _counted(self, file: BinaryIO) -> _Announced:
        """What is in the file, where it says nothing of that or does not know its own channels."""
        counts = Counter(channel for _, channel, _, _ in self._loose)
        first = min((time for time, *_ in self._loose), default=NEVER)
        last = max((time for time, *_ in self._loose), default=0)
        for chunk in self._chunks:
            content = self._content(file, chunk)
            for kind, at, size in _records(content, 0, chunk.unpacked):
                if kind == MESSAGE:
                    channel, time = _message_head(content, at, size)
                    counts[channel] += 1
                    first, last = min(first, time), max(last, time)
                else:
                    self._describe(kind, content, at, size)
        lost = counts.keys() - self._channels.keys()
        if lost:
            raise ReaderError(f'it has messages of channels {sorted(lost)}, of which it says nothing')
        return _Announced(sum(counts.values()), len(self._channels), first, last, counts)

    def _describe(self, kind: int, file: BinaryIO, at: int, size: int) -> None:
        """Takes over a schema or a channel; other records say nothing of messages."""
        if kind == SCHEMA:
            body = _body(file, at, size)
            (key,) = struct.unpack('<H', read_exact(body, 2))
            if key not in self._schemas:
                self._schemas[key] = read_string(body), read_string(body), read_bytes(body).decode(errors='replace')
        elif kind == CHANNEL:
            body = _body(file, at, size)
            key, schema = struct.unpack('<HH', read_exact(body, 4))
            if key in self._channels:
                return
            self._channels[key] = _Channel(schema, read_string(body), read_string(body), read_bytes(body))

    def _connection(self, key: int, count: int) -> Connection | None:
        """A channel in the words of rosbags; None and a word in ``foreign`` where it is none of ROS 2."""
        channel = self._channels[key]
        name, form, text = self._schemas.get(channel.schema, ('', '', ''))
        if channel.encoding != 'cdr' or (form and form not in _FORMATS):
            self.foreign[channel.topic] = form if channel.encoding == 'cdr' else channel.encoding
            self.left_out += count
            return None
        definition = MessageDefinition(_FORMATS.get(form, MessageDefinitionFormat.NONE), text if form else '')
        return Connection(
            key,
            channel.topic,
            name,
            definition,
            '',
            count,
            ConnectionExtRosbag2(channel.encoding, get_qos(channel.metadata)),
            self,
        )


def _records(file: BinaryIO, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Kind, place and size of the content of each record between two places. Raises ReaderError where one reaches
    beyond."""
    while at < end:
        file.seek(at)
        kind, size = struct.unpack('<BQ', read_exact(file, 9))
        if at + 9 + size > end:
            raise ReaderError(f'a record at {at} claims {size} bytes where {max(0, end - at - 9)} are left')
        yield kind, at + 9, size
        at += 9 + size


def _body(file: BinaryIO, at: int, size: int) -> BytesIO:
    file.seek(at)
    return BytesIO(read_exact(file, size))


def _message_head(file: BinaryIO, at: int, size: int) -> tuple[int, int]:
    """Channel and time of a message."""
    if size < 22:
        raise ReaderError(f'a message at {at} has {size} bytes')
    file.seek(at)
    channel, _, time = struct.unpack('<HIQ', read_exact(file, 14))
    return channel, time


def _chunk(file: BinaryIO, at: int, size: int) -> _Chunk:
    if size < 40:
        raise ReaderError(f'a chunk at {at} has {size} bytes')
    file.seek(at)
    start, _, unpacked, checksum, name = struct.unpack('<QQQII', read_exact(file, 32))
    if 40 + name > size:
        raise ReaderError(f'a chunk at {at} has {size} bytes')
    compression = read_exact(file, name).decode(errors='replace')
    (packed,) = struct.unpack('<Q', read_exact(file, 8))
    if packed > size - 40 - name:
        raise ReaderError(f'a chunk at {at} claims {packed} bytes where {size - 40 - name} are left')
    return _Chunk(at + 40 + name, compression, packed, unpacked, checksum, start)
