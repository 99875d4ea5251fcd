"""Recordings from anywhere: whatever is in their files, they are read, or refused in a sentence; they write nowhere
else, and take no memory that they only claim to need."""

from __future__ import annotations

import os
import random
import re
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip('rosbags', reason='rosbags is not installed here')

import lz4.frame  # noqa: E402
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer, storage_mcap  # noqa: E402

from mpn_ros.bag import recording  # noqa: E402
from mpn_ros.bag.messages import IMAGE, make_typestore  # noqa: E402
from mpn_ros.bag.recording import Recording  # noqa: E402
from mpn_ros.cli import main  # noqa: E402
from mpn_ros.errors import MpnError  # noqa: E402

BOUND = 2**20
zstd = storage_mcap.zstd


@pytest.fixture(autouse=True)
def bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, 'MOST', BOUND)


def read(path: Path) -> list:
    """All messages of a recording."""
    with Recording(path) as content:
        return list(content.messages())


def refusal(path: Path, capsys: pytest.CaptureFixture) -> str:
    """What ``mpn bag`` says of a recording, in one line; nothing is left behind, nor changed."""
    before = {file: file.stat().st_mtime_ns for file in path.parent.rglob('*')}
    assert main(['bag', str(path), str(path.parent / 'out')]) == 2
    said = capsys.readouterr().err
    assert said.count('\n') == 1 and str(path) in said, said
    assert {file: file.stat().st_mtime_ns for file in path.parent.rglob('*')} == before
    return said


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
@pytest.mark.parametrize('damaged', ['messages', 'metadata'])
def test_damaged_files_are_read_or_refused(street, storage, damaged):
    source = street(storage)
    path = source / {'metadata': 'metadata.yaml', 'messages': f'in.{"mcap" if storage == "mcap" else "db3"}'}[damaged]
    whole, dice = path.read_bytes(), random.Random(0)
    refused = 0
    for _ in range(150):
        content = bytearray(whole)
        for _ in range(dice.choice([1, 2, 10])):
            at = dice.randrange(len(content))
            content[at : at + dice.choice([0, 1, 8])] = dice.choice([b'', b'\0', b'\xff' * 8, dice.randbytes(8)])
        path.write_bytes(content[: dice.randrange(len(content))] if dice.random() < 0.2 else content)
        try:
            read(source if damaged == 'metadata' else path)
        except MpnError as error:
            assert '\n' not in str(error) and str(source) in str(error)
            refused += 1
    assert 10 < refused


def packed(path: Path, name: str, pack: Callable[[bytes], bytes]) -> Path:
    """An MCAP with one chunk, which ``pack`` has packed."""
    writer = Writer(path, version=9, storage_plugin=StoragePlugin.MCAP)
    writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
    with writer:
        writer.storage.compression, writer.storage.compressor = name, pack
        writer.write(writer.add_connection('/left/image_raw', IMAGE, typestore=make_typestore()), 1, bytes(100))
    return path / f'{path.name}.mcap'


@pytest.mark.parametrize(('name', 'pack'), [('zstd', zstd.compress), ('lz4', lz4.frame.compress)])
def test_a_chunk_that_holds_more_than_it_says_is_left_packed(tmp_path, capsys, name, pack):
    said = refusal(packed(tmp_path / 'in', name, lambda _: pack(bytes(10 * BOUND))), capsys)
    expected, got = map(int, re.search(r'expected (\d+) bytes, got (\d+)', said).groups())
    assert got == expected + 1, 'no more than tells that it is a lie'


def test_a_chunk_that_says_that_it_is_huge_is_left_packed(tmp_path, capsys):
    sizes = []

    def pack(data: bytes) -> bytes:
        sizes.append(len(data))
        return zstd.compress(bytes(10 * BOUND))

    path = packed(tmp_path / 'in', 'zstd', pack)
    told, lie = (struct.pack('<QII', size, 0, len('zstd')) + b'zstd' for size in (*sizes, 2**40))
    assert path.read_bytes().count(told) == 1
    path.write_bytes(path.read_bytes().replace(told, lie))
    assert f'claims to unpack to {2**40} bytes' in refusal(path, capsys)


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_messages_that_are_packed_one_by_one(record, tmp_path, capsys, storage):
    bag = record(storage)
    bag.image('/left/image_raw', 0, 51)
    (content,) = (data for _, _, data in read(bag.close()))
    again = record(storage, folder='packed')
    for number, data in enumerate((content, bytes(2 * BOUND))):
        again.write('/left/image_raw', IMAGE, 1 + number, zstd.compress(data))
    metadata = again.close() / 'metadata.yaml'
    metadata.write_text(
        re.sub(
            r'compression_format: .*',
            'compression_format: zstd',
            re.sub(r'compression_mode: .*', 'compression_mode: MESSAGE', metadata.read_text()),
        )
    )
    with Recording(again.path) as packed_ones:
        messages = packed_ones.messages()
        assert next(messages)[2] == content
        with pytest.raises(MpnError, match=f'unpacks to more than {BOUND} bytes'):
            next(messages)


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_a_recording_that_is_packed_as_a_whole_leaves_room(street, tmp_path_factory, capsys, monkeypatch, storage):
    source, temporary = street(storage), tmp_path_factory.mktemp('temporary')
    monkeypatch.setattr('tempfile.tempdir', str(temporary))
    content = read(source)
    (file,) = (file for file in source.iterdir() if file.suffix in ('.mcap', '.db3'))
    file.with_name(f'{file.name}.zstd').write_bytes(zstd.compress(file.read_bytes()))
    file.unlink()
    metadata = source / 'metadata.yaml'
    told = re.sub('compression_mode: .*', 'compression_mode: FILE', metadata.read_text())
    told = re.sub('compression_format: .*', 'compression_format: zstd', told)
    metadata.write_text(told.replace(file.name, f'{file.name}.zstd'))
    assert [data for _, _, data in read(source)] == [data for _, _, data in content]
    monkeypatch.setattr(recording, 'ROOM', 2**60)
    assert 'of the disk of' in refusal(source, capsys)
    assert not list(temporary.iterdir())


@pytest.mark.parametrize('name', ['in.mcap', 'metadata.yaml'])
def test_a_pipe_in_a_recording_is_not_waited_for(street, capsys, name):
    source = street('mcap')
    (source / name).unlink()
    os.mkfifo(source / name)
    assert f'{name} is not a file' in refusal(source, capsys)


@pytest.mark.parametrize('name', ['../elsewhere/in.mcap', '/{}/elsewhere/in.mcap', '..'])
def test_metadata_leads_nowhere_else(street, tmp_path, capsys, name):
    """Of a path in metadata.yaml the last part counts, in the recording's own folder."""
    source, elsewhere = street('mcap'), tmp_path / 'elsewhere'
    elsewhere.mkdir()
    (source / 'in.mcap').rename(elsewhere / 'in.mcap')
    metadata = source / 'metadata.yaml'
    metadata.write_text(metadata.read_text().replace('in.mcap', name.format(tmp_path)))
    assert re.search('missing|Could not open', refusal(source, capsys))


def test_a_link_out_of_the_folder_shows_nothing_of_where_it_leads(street, tmp_path, capsys):
    source, secret = street('mcap'), tmp_path / 'secret'
    secret.write_text('a password')
    (source / 'in.mcap').unlink()
    (source / 'in.mcap').symlink_to(secret)
    assert 'password' not in refusal(source, capsys)


@pytest.mark.parametrize('stamp', ["'noon'", '-1', str(2**62 * 2)])
def test_times_that_are_none(street, capsys, stamp):
    source = street('mcap')
    metadata = source / 'metadata.yaml'
    metadata.write_text(
        re.sub(r'nanoseconds_since_epoch: \d+', f'nanoseconds_since_epoch: {stamp}', metadata.read_text())
    )
    refusal(source, capsys)


def test_images_that_lie_are_broken_images(record, tmp_path, capsys):
    bag = record()
    bag.image('/left/image_raw', 0, 51, height=60000, width=60000, step=180000)
    bag.image('/left/image_raw', 1, 51, height=2**32 - 1, width=2**32 - 1, step=2**32 - 1)
    text = bag.store.types['std_msgs/msg/String'](data='an image, says the topic')
    bag.write(
        '/left/image_raw', IMAGE, 1_700_000_000_100_000_000, bytes(bag.store.serialize_cdr(text, 'std_msgs/msg/String'))
    )
    length = bytearray(bag.store.serialize_cdr(text, 'std_msgs/msg/String'))
    length[4:8] = b'\xff' * 4
    bag.write('/left/image_raw', IMAGE, 1_700_000_000_150_000_000, bytes(length))
    assert main(['bag', str(bag.close()), str(tmp_path / 'out')]) == 2
    assert '0 images answered, 4 broken' in capsys.readouterr().out


def test_two_publishers_of_a_topic_become_one(record, tmp_path):
    mcap = pytest.importorskip('mcap.writer', reason='mcap-ros2-support is not installed here')
    bag = record()
    bag.image('/left/image_raw', 0, 51)
    ((_, stamp, data),) = read(bag.close())
    with (tmp_path / 'two.mcap').open('wb') as file:
        writer = mcap.Writer(file)
        writer.start('ros2', 'test')
        schema = writer.register_schema(IMAGE, 'ros2msg', b'')
        for number in range(2):
            channel = writer.register_channel('/left/image_raw', 'cdr', schema)
            writer.add_message(channel, stamp + number, data, stamp + number)
        writer.finish()
    assert main(['bag', str(tmp_path / 'two.mcap'), str(tmp_path / 'out')]) == 0
    topics = [connection.topic for connection, _, _ in read(tmp_path / 'out')]
    assert topics.count('/left/image_raw') == topics.count('/left/skeletons') == 2
