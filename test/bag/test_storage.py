"""Folders whose metadata know less than their files, and databases under any name."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip('rosbags', reason='rosbags is not installed here')

from mpn_ros.bag.recording import Recording  # noqa: E402
from mpn_ros.cli import main  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]


def read(path: Path) -> list:
    with Recording(path) as content:
        return [(connection.topic, stamp, data) for connection, stamp, data in content.messages()]


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_a_topic_that_the_metadata_lack_is_read(street, tmp_path, storage, capsys):
    source = street(storage)
    whole = read(source)
    metadata = source / 'metadata.yaml'
    metadata.write_text(metadata.read_text().replace('name: /left/image_raw', 'name: /elsewhere'))
    assert read(source) == whole
    assert main(['bag', str(source), str(tmp_path / 'out')]) == 0
    assert '/left/image_raw: 3 images answered' in capsys.readouterr().out


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_another_quality_of_service_in_the_metadata_loses_nothing(street, storage):
    source = street(storage)
    whole = read(source)
    metadata = source / 'metadata.yaml'
    metadata.write_text(
        re.sub(
            r'offered_qos_profiles:.*(?:\n\s+-.*(?:\n\s{8,}.*)*)?',
            'offered_qos_profiles: []',
            metadata.read_text(),
            count=1,
        )
    )
    assert sorted(read(source)) == sorted(whole)


def test_metadata_that_announce_more_are_told(street, tmp_path, capsys):
    source = street('mcap')
    metadata = source / 'metadata.yaml'
    metadata.write_text(re.sub(r'(\n  message_count:) 9', r'\1 20', metadata.read_text()))
    assert main(['bag', str(source), str(tmp_path / 'out')]) == 2
    assert f'{source} announces 20 messages, and 9 are in it' in capsys.readouterr().err


def test_messages_of_a_topic_that_the_database_does_not_name_are_told(street, tmp_path, capsys):
    source = street('sqlite3')
    database = sqlite3.connect(source / 'in.db3')
    database.execute('UPDATE messages SET topic_id = 77 WHERE id = 4')
    database.commit()
    database.close()
    assert main(['bag', str(source), str(tmp_path / 'out')]) == 2
    assert 'announces 9 messages, and 8 are in it' in capsys.readouterr().err


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_a_folder_without_metadata_is_told_with_its_files(street, tmp_path, storage, capsys):
    source = street(storage)
    (source / 'metadata.yaml').unlink()
    assert main(['bag', str(source), str(tmp_path / 'out')]) == 2
    name = f'in.{"mcap" if storage == "mcap" else "db3"}'
    assert f'the folder has no metadata.yaml: name {name} in it instead' in capsys.readouterr().err
    assert main(['bag', str(source / name), str(tmp_path / 'out')]) == 0


def test_messages_that_were_not_taken_over_into_the_database_are_told(street, tmp_path, capsys):
    """As after the loss of power: SQLite keeps the newest beside it."""
    source = street('sqlite3')
    database = sqlite3.connect(source / 'in.db3')
    database.execute('PRAGMA journal_mode=WAL')
    database.execute('DELETE FROM messages WHERE id = 1')
    database.commit()
    shutil.copytree(source, tmp_path / 'left')
    database.close()
    assert main(['bag', str(tmp_path / 'left'), str(tmp_path / 'out')]) == 2
    assert 'in.db3-wal holds messages of it' in capsys.readouterr().err


@pytest.mark.parametrize('name', [b'caf\xe9', b'why?', b'50%25', b'a#b', b'new\nline'])
@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_a_name_is_bytes(street, tmp_path, storage, name):
    source = tmp_path / os.fsdecode(name)
    street(storage).rename(source)
    assert len(read(source)) == 9
    (file,) = (file for file in source.iterdir() if file.suffix in ('.mcap', '.db3'))
    single = file.rename(source / f'{os.fsdecode(name)}{file.suffix}')
    assert main(['bag', str(single), str(tmp_path / 'out')]) == 0


@pytest.mark.parametrize(
    ('storage', 'name'), [('mcap', b'caf\xe9'), ('sqlite3', b'caf\xe9'), ('sqlite3', b'why?'), ('sqlite3', b'%41')]
)
def test_a_name_that_a_recording_cannot_have_is_told(street, tmp_path, capsys, storage, name):
    source = street(storage)
    assert main(['bag', str(source), str(tmp_path / os.fsdecode(name))]) == 2
    assert 'cannot be the name of a recording' in capsys.readouterr().err
    assert os.listdir(tmp_path) == ['in']


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_a_full_disk_is_a_sentence_and_leaves_nothing(street, tmp_path, storage):
    """The limit on the size of files stands for the disk."""
    source = street(storage, list(range(0, 250, 2)))
    code = (
        'import resource, signal, sys\n'
        'from mpn_ros import cli\nfrom mpn_ros.commands import bag\n'
        'from mpn_ros.result import PoseResult\nfrom mpn_ros.skeleton import COCO\n'
        'def pipeline(image, order):\n    return PoseResult((), image[..., 0])\n'
        'pipeline.layout, pipeline.segments = COCO, True\nbag.make_pipeline = lambda args: pipeline\n'
        'signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n'
        'resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n'
        'sys.exit(cli.main(sys.argv[1:]))'
    )
    done = subprocess.run(
        [sys.executable, '-c', code, 'bag', str(source), str(tmp_path / 'out')],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert 'Traceback' not in done.stderr and done.stderr.splitlines()[-1].startswith('mpn bag: '), done.stderr
    assert os.listdir(tmp_path) == ['in']


@pytest.mark.parametrize('size', [(1, 1), (1, 64), (64, 1), (3, 2)])
def test_tiny_images_are_answered(record, tmp_path, size, capsys):
    bag = record()
    for number in range(3):
        bag.image('/left/image_raw', number, 51, size=size)
    arguments = ['bag', str(bag.close()), str(tmp_path / 'out'), '--video', str(tmp_path / 'out.mp4')]
    assert main(arguments) == 0, capsys.readouterr().err
    assert '3 images answered' in capsys.readouterr().out
