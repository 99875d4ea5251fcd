"""A bag in, the same bag with people in it out. It appears under its name when it is complete."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rosbags.interfaces import Connection, ConnectionExtRosbag2
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer, WriterError
from rosbags.typesys.store import Typestore
from tqdm import tqdm

from mpn_ros.bag.camera_processor import CameraProcessor, FrameCounts
from mpn_ros.bag.cameras import Camera, choose_cameras, find_cameras
from mpn_ros.bag.messages import make_typestore
from mpn_ros.bag.recording import Recording
from mpn_ros.bag.storage import PLAIN
from mpn_ros.bag.video import frame_rate
from mpn_ros.errors import MpnError, ParameterError
from mpn_ros.files import printable
from mpn_ros.media import TimedVideo

if TYPE_CHECKING:
    from mpn_ros.pipeline.pipeline import PosePipeline

UNKNOWN_TYPE = f'RIHS01_{"0" * 64}'
"""Type hash of a message of which the recording tells nothing but its name."""


@dataclass(frozen=True)
class Converted:
    """What became of the images of each camera, by topic, and whether ``complete``: the copy has all that the recording
    announces."""

    counts: dict[str, FrameCounts]
    complete: bool


def convert(
    source: Path,
    target: Path,
    pipeline: PosePipeline,
    tell: Callable[[str], None],
    *,
    topics: Sequence[str] = (),
    video: Path | None = None,
) -> Converted:
    """Copies the bag ``source`` to the folder ``target`` with the answers to all cameras, or to those in ``topics``.

    source: a folder of rosbag2, or a single .mcap or .db3. ``target`` has the same storage.
    video: an .mp4 with the people drawn in; of several cameras, each gets its own with its namespace in the name.
    tell: hears, in sentences, of what has no answer, and of what is missing.

    Raises MpnError if the bag cannot be read or written; nothing is left then. Raises ParameterError for topics that
    are not there, or that have another type already.
    """
    if target.suffix in ('.mcap', '.db3'):
        raise ParameterError(f'{target} must be the name of a folder, which will hold the recording and metadata.yaml')
    try:
        with Recording(source) as recording, _appears_whole(target) as unfinished, ExitStack() as stack:
            store = make_typestore()
            cameras = choose_cameras(recording, store, topics) if topics else find_cameras(recording, store, tell)
            writer = _make_writer(source, target, unfinished)
            stack.enter_context(writer)
            copies = _copy_topics(recording, writer, store, cameras)
            processors: dict[int, CameraProcessor] = {}
            for camera in cameras:
                painted = None
                if video is not None:
                    path = video_path(video, camera, alone=len(cameras) == 1)
                    painted = stack.enter_context(TimedVideo(path, frame_rate(recording, camera.connections)))
                processor = CameraProcessor(camera, writer, store, pipeline, painted, tell)
                processor.begin(recording.start_time)
                processors |= {connection.id: processor for connection in camera.connections}
            messages = tqdm(recording.messages(), total=recording.message_count, unit='message', disable=None)
            read = 0
            for connection, stamp, data in messages:
                read += 1
                if connection.id in copies:
                    writer.write(copies[connection.id], stamp, data)
                if connection.id in processors:
                    processors[connection.id].process(stamp, data)
            if read != recording.message_count:
                tell(f'{source} announces {recording.message_count} messages, and {read} are in it')
            for topic, encoding in recording.foreign.items():
                tell(f"'{topic}' of {source} is left out: its messages are in '{encoding}' and none of ROS 2")
            return Converted(
                {processor.camera.topic: processor.counts for processor in processors.values()},
                read == recording.message_count and not recording.foreign,
            )
    except (WriterError, sqlite3.Error) as error:
        raise MpnError(f'{target} cannot be written: {" ".join(str(error).split())}') from error
    except OSError as error:
        raise MpnError(f'{source} cannot be converted to {target}: {error.strerror or error}') from error


def video_path(video: Path, camera: Camera, alone: bool) -> Path:
    """``out.mp4`` for a camera ``alone``, else ``out_left.mp4`` for the one in the namespace '/left'."""
    name = camera.namespace.strip('/').replace('/', '_')
    return video if alone or not name else video.with_name(f'{video.stem}_{name}{video.suffix}')


@contextmanager
def _appears_whole(target: Path) -> Iterator[Path]:
    """A path to write to, which becomes ``target`` at the end; left by an exception, it leaves nothing behind, and what
    a killed run has left is removed."""
    if target.exists():
        raise ParameterError(f'{target} exists already')
    workplace = target.with_name(f'.{target.name}.unfinished')
    shutil.rmtree(workplace, ignore_errors=True)
    workplace.mkdir(parents=True)
    try:
        # The files in a bag are named after its folder, so this has its final name from the start.
        yield workplace / target.name
        os.replace(workplace / target.name, target)
    finally:
        shutil.rmtree(workplace, ignore_errors=True)


def _make_writer(source: Path, target: Path, path: Path) -> Writer:
    """A writer to ``path`` with the storage of ``source``. MCAP is compressed in chunks, which every reader of it
    understands: masks are nearly nothing then."""
    mcap = any(file.suffix == '.mcap' for file in (source.iterdir() if source.is_dir() else [source]))
    if not PLAIN.fullmatch(os.path.abspath(target)) and not (mcap and printable(target.name) == target.name):
        raise ParameterError(
            f'{target} cannot be the name of a recording: metadata.yaml takes UTF-8 alone, and a database no ?, # and %'
        )
    # Version 9 of metadata.yaml is that of Jazzy and later.
    writer = Writer(path, version=9, storage_plugin=StoragePlugin.MCAP if mcap else StoragePlugin.SQLITE3)
    if mcap:
        writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
    return writer


def _copy_topics(
    recording: Recording, writer: Writer, store: Typestore, cameras: Sequence[Camera]
) -> dict[int, Connection]:
    """The connection in ``writer`` for each of ``recording``, by its id; answers that are there already are made
    anew."""
    ours = {topic: kind for camera in cameras for topic, kind in camera.answers().items()}
    copies = {}
    made: dict[tuple[str, str, str], Connection] = {}  # a recording may tell publishers apart, a new one cannot
    for connection in recording.connections:
        wanted = ours.get(connection.topic)
        if wanted == connection.msgtype:
            continue
        if wanted is not None:
            raise ParameterError(
                f"{recording.path} has '{connection.topic}' already, as {connection.msgtype}, where {wanted} has to go"
            )
        assert isinstance(connection.ext, ConnectionExtRosbag2)
        known = connection.msgtype in store.types
        key = connection.topic, connection.msgtype, repr(connection.ext)
        if key not in made:
            made[key] = writer.add_connection(
                connection.topic,
                connection.msgtype,
                msgdef=connection.msgdef.data
                or (store.generate_msgdef(connection.msgtype, ros_version=2)[0] if known else ''),
                rihs01=connection.digest or (store.hash_rihs01(connection.msgtype) if known else UNKNOWN_TYPE),
                serialization_format=connection.ext.serialization_format,
                offered_qos_profiles=connection.ext.offered_qos_profiles,
            )
        copies[connection.id] = made[key]
    return copies
