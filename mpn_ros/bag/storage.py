"""The files of a recording as ``rosbags.rosbag2.Reader`` opens them: a folder, an MCAP, a database of sqlite3."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Generator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from rosbags.interfaces import Connection
from rosbags.rosbag2 import Reader, ReaderError
from rosbags.rosbag2.reader import DirectoryReader
from rosbags.rosbag2.storage_sqlite3 import Sqlite3Reader

from mpn_ros.bag.mcap import McapReader

PLAIN = re.compile(r'[^?#%\udc80-\udcff]*')
"""Names that SQLite, which is given an address, takes as they are."""


class SqliteReader(Sqlite3Reader):
    """A database under any name."""

    foreign: dict[str, str] = {}
    left_out = 0

    def open(self) -> None:
        """Raises ReaderError, also where messages are still in the log beside the database."""
        path, log = Path(str(self.path)), Path(f'{self.path}-wal')
        if log.is_file() and log.stat().st_size:
            raise ReaderError(
                f"it was not closed, and {log.name} holds messages of it: 'sqlite3 {path.name} VACUUM' takes them over"
            )
        with ExitStack() as stack:
            if not PLAIN.fullmatch(str(path)):
                link = Path(stack.enter_context(TemporaryDirectory()), 'bag.db3')
                link.symlink_to(os.path.abspath(path))
                self.path = link
            try:
                super().open()  # it opens the file at once
            except ReaderError as error:
                raise ReaderError(str(error).replace(str(self.path), str(path))) from error
            finally:
                self.path = path


class FolderReader(DirectoryReader):
    """A folder with metadata.yaml. What is in its files counts: a topic that the metadata do not name is read too."""

    STORAGE_PLUGINS = {'mcap': McapReader, 'sqlite3': SqliteReader}

    def __init__(self, path: Path) -> None:
        if path.is_dir() and not (path / 'metadata.yaml').exists():
            files = sorted(file.name for file in path.iterdir() if file.suffix in ('.mcap', '.db3'))
            if not files:
                raise ReaderError('the folder has neither metadata.yaml nor an .mcap or .db3 of a recording')
            raise ReaderError(
                f'the folder has no metadata.yaml: name {" or ".join(files[:3])} in it instead, or let '
                "'ros2 bag reindex' write one"
            )
        super().__init__(path)

    def open(self) -> None:
        """Raises ReaderError."""
        try:
            super().open()
        except ReaderError as error:
            if 'Serialization format' in str(error):
                raise ReaderError(f'{error} Name the .mcap in it alone, and those topics are left out') from error
            raise
        self._of: dict[tuple[int, int], Connection] = {}
        counts: dict[int, int] = {}
        for number, storage in enumerate(self.storages):
            for found in storage.connections:
                connection = self._place(found)
                self._of[number, found.id] = connection
                counts[connection.id] = counts.get(connection.id, 0) + found.msgcount
        self.connections = [
            connection._replace(msgcount=counts.get(connection.id, 0)) for connection in self.connections
        ]
        by_id = {connection.id: connection for connection in self.connections}
        self._of = {key: by_id[connection.id] for key, connection in self._of.items()}

    def _place(self, found: Connection) -> Connection:
        """The connection of the metadata that a file's belongs to: with the same quality of service if there is one."""
        same = [known for known in self.connections if (known.topic, known.msgtype) == (found.topic, found.msgtype)]
        exact = [known for known in same if known.ext == found.ext and known.digest in ('', found.digest)]
        if same:
            return (exact or same)[0]
        new = found._replace(id=1 + max((known.id for known in self.connections), default=0), owner=self)
        self.connections.append(new)
        return new

    def messages(
        self, connections: Collection[Connection], start: int | None = None, stop: int | None = None
    ) -> Generator[tuple[Connection, int, bytes], None, None]:
        """Of one file after the other, as they were recorded."""
        wanted = {connection.id for connection in connections}
        for number, storage in enumerate(self.storages):
            chosen = [found for found in storage.connections if self._of[number, found.id].id in wanted]
            if chosen:
                for found, stamp, data in storage.messages(chosen, start, stop):
                    yield self._of[number, found.id], stamp, data


class BagReader(Reader):
    """``rosbags.rosbag2.Reader`` on these."""

    STORAGE_PLUGINS = {'dir': FolderReader, '.mcap': McapReader, '.db3': SqliteReader}

    @property
    def files(self) -> list[McapReader | SqliteReader]:
        """What reads each file of the recording."""
        files = self.storage.storages if isinstance(self.storage, FolderReader) else [self.storage]
        return [file for file in files if isinstance(file, McapReader | SqliteReader)]
