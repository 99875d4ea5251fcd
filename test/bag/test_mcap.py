"""All messages that are in an MCAP file, whatever its index knows; and what it announces is what was read."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('rosbags', reason='rosbags is not installed here')

mcap = pytest.importorskip('mcap.writer', reason='mcap-ros2-support is not installed here')

from mpn_ros.bag.messages import IMAGE, make_typestore  # noqa: E402
from mpn_ros.bag.recording import Recording  # noqa: E402
from mpn_ros.cli import main  # noqa: E402

COUNT = 12
START = 1_700_000_000_000_000_000


def image(number: int) -> bytes:
    store = make_typestore()
    time = store.types['builtin_interfaces/msg/Time'](sec=1_700_000_000, nanosec=number)
    header = store.types['std_msgs/msg/Header'](stamp=time, frame_id='left')
    return bytes(
        store.serialize_cdr(
            store.types[IMAGE](
                header=header,
                height=3,
                width=4,
                encoding='bgr8',
                is_bigendian=0,
                step=12,
                data=np.full(36, 20 * number, np.uint8),
            ),
            IMAGE,
        )
    )


def write(
    path: Path, *, order: list[int] | None = None, foreign: bool = False, profile: str = 'ros2', **options: object
) -> Path:
    """``COUNT`` images of a camera, by the library of the format's makers; with ``foreign`` a topic in JSON too."""
    with path.open('wb') as file:
        writer = mcap.Writer(file, chunk_size=200, compression=mcap.CompressionType.ZSTD, **options)
        writer.start(profile, 'test')
        schema = writer.register_schema(IMAGE, 'ros2msg', b'')
        channel = writer.register_channel('/left/image_raw', 'cdr', schema)
        if foreign:
            json = writer.register_channel('/state', 'json', writer.register_schema('State', 'jsonschema', b'{}'))
            writer.add_message(json, START, b'{"battery": 3}', START)
        for number in order or range(COUNT):
            writer.add_message(channel, START + number, image(number), START + number)
        writer.finish()
    return path


def answered(path: Path, out: Path) -> list[int]:
    """The times of the answers in a converted recording, from the start on."""
    with Recording(out) as recording:
        return [stamp - START for connection, stamp, _ in recording.messages() if connection.topic == '/left/skeletons']


OPTIONS = {
    'as it should be': {},
    'no index': {'index_types': mcap.IndexType.NONE},
    'no message index': {'index_types': mcap.IndexType.ALL & ~mcap.IndexType.MESSAGE},
    'no chunk index': {'index_types': mcap.IndexType.MESSAGE},
    'no chunks': {'use_chunking': False},
    'no statistics': {'use_statistics': False},
    'no channels in the summary': {'repeat_channels': False},
    'no schemas in the summary': {'repeat_schemas': False},
    'nothing': {
        'index_types': mcap.IndexType.NONE,
        'use_statistics': False,
        'repeat_channels': False,
        'repeat_schemas': False,
        'use_summary_offsets': False,
    },
    'neither chunks nor statistics': {'use_chunking': False, 'use_statistics': False, 'repeat_channels': False},
    'no profile': {'profile': ''},
}


@pytest.mark.parametrize('options', OPTIONS.values(), ids=OPTIONS)
def test_every_message_is_answered_without_an_index(tmp_path, capsys, options):
    assert main(['bag', str(write(tmp_path / 'in.mcap', **options)), str(tmp_path / 'out')]) == 0
    assert f'{COUNT} images answered' in capsys.readouterr().out
    assert answered(tmp_path / 'in.mcap', tmp_path / 'out') == list(range(COUNT))


@pytest.mark.parametrize('options', [{}, {'use_chunking': False}, {'index_types': mcap.IndexType.NONE}])
def test_messages_come_in_the_order_of_their_times(tmp_path, options):
    order = [*range(0, COUNT, 2), *range(COUNT - 1, 0, -2)]
    with Recording(write(tmp_path / 'in.mcap', order=order, **options)) as recording:
        assert [stamp - START for _, stamp, _ in recording.messages()] == list(range(COUNT))


def test_an_index_that_lacks_messages_loses_none(tmp_path):
    """The index of one chunk is emptied, and the chunk taken out of the summary's count of it."""
    path = write(tmp_path / 'in.mcap')
    data, at, found = bytearray(path.read_bytes()), 8, 0
    while at + 9 < len(data):
        kind, size = data[at], struct.unpack_from('<Q', data, at + 1)[0]
        if kind in (0x07, 0x08) and found < 4:  # message index, chunk index: become records that nobody knows
            data[at], found = 0x7F, found + 1
        at += 9 + size
    assert found == 4
    path.write_bytes(data)
    assert main(['bag', str(path), str(tmp_path / 'out')]) == 0
    assert answered(path, tmp_path / 'out') == list(range(COUNT))


def statistics(path: Path, messages: int) -> None:
    """Has a file announce another number of messages, in all and of its first channel."""
    data = bytearray(path.read_bytes())
    at = data.rindex(struct.pack('<BQ', 0x0B, 56)) + 9
    struct.pack_into('<Q', data, at, messages)
    struct.pack_into('<Q', data, at + 42 + 4 + 2, messages)
    path.write_bytes(data)


@pytest.mark.parametrize('announced', [COUNT - 3, COUNT + 3])
def test_what_was_read_is_counted_against_what_is_announced(tmp_path, capsys, announced):
    path = write(tmp_path / 'in.mcap')
    statistics(path, announced)
    assert main(['bag', str(path), str(tmp_path / 'out')]) == 2
    told = capsys.readouterr()
    assert f'{path} announces {announced} messages, and {COUNT} are in it' in told.err
    assert f'{COUNT} images answered' in told.out


def test_a_topic_that_is_none_of_ros_is_left_out_and_told(tmp_path, capsys):
    path = write(tmp_path / 'in.mcap', foreign=True, profile='')
    assert main(['bag', str(path), str(tmp_path / 'out')]) == 2
    told = capsys.readouterr()
    assert f"'/state' of {path} is left out: its messages are in 'json' and none of ROS 2" in told.err
    assert 'announces' not in told.err and f'{COUNT} images answered' in told.out


def test_a_recording_of_ros_1_is_told_as_one(tmp_path, capsys):
    assert main(['bag', str(write(tmp_path / 'in.mcap', profile='ros1')), str(tmp_path / 'out')]) == 2
    assert "it is one of ROS 1: 'rosbags-convert" in capsys.readouterr().err


@pytest.mark.parametrize('cut', [1, 40, 400])
def test_a_recording_that_was_not_closed_is_told_as_one(tmp_path, capsys, cut):
    path = write(tmp_path / 'in.mcap')
    path.write_bytes(path.read_bytes()[:-cut])
    assert main(['bag', str(path), str(tmp_path / 'out')]) == 2
    assert 'it was not closed' in capsys.readouterr().err


def test_a_record_that_reaches_beyond_the_file_is_told(tmp_path, capsys):
    path = write(tmp_path / 'in.mcap')
    data = bytearray(path.read_bytes())
    struct.pack_into('<Q', data, 9, 2**60)  # of the header
    path.write_bytes(data)
    assert main(['bag', str(path), str(tmp_path / 'out')]) == 2
    assert 'claims' in capsys.readouterr().err


def test_chunks_are_unpacked_when_their_time_has_come(tmp_path, monkeypatch: pytest.MonkeyPatch):
    unpacked = []
    whole: Callable[..., bytes] = __import__('mpn_ros.bag.mcap', fromlist=['decompress']).decompress
    monkeypatch.setattr('mpn_ros.bag.mcap.decompress', lambda *parts: unpacked.append(1) or whole(*parts))
    with Recording(write(tmp_path / 'in.mcap')) as recording:
        assert len(list(itertools.islice(recording.messages(), 2))) == 2
    assert len(unpacked) < COUNT / 2
