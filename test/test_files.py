"""Files that are whole or not there, folders, and names that are bytes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mpn_ros.errors import ParameterError
from mpn_ros.files import make_folder, printable, utf8_name, write_whole, written_whole


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    (tmp_path / 'a.json').write_text('old')

    def full(self, data):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(Path, 'write_bytes', full)
    with pytest.raises(OSError, match='No space'):
        write_whole(tmp_path / 'a.json', b'new')
    assert os.listdir(tmp_path) == ['a.json'] and (tmp_path / 'a.json').read_text() == 'old'


@pytest.mark.parametrize('name', ['file/below', 'x' * 300, 'zero\0'])
def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path, name):
    (tmp_path / 'file').write_text('')
    with pytest.raises(ParameterError, match='--out .* cannot be made a folder: '):
        make_folder(tmp_path / name, '--out')


def test_a_name_in_utf_8_is_taken_as_it_is_and_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with utf8_name(Path('http:straße.png')) as name:
        assert name == str(tmp_path / 'http:straße.png')


def test_a_name_of_bytes_gets_a_link_for_a_while(tmp_path):
    path = tmp_path / os.fsdecode(b'\xff.m\xe9')
    path.write_text('content')
    with utf8_name(path) as name:
        name.encode()
        assert Path(name).read_text() == 'content'
    assert not os.path.lexists(name) and path.exists()


def test_the_folder_of_links_is_in_utf_8_too(tmp_path, monkeypatch):
    path = tmp_path / os.fsdecode(b'caf\xe9.png')
    path.write_text('content')
    odd = tmp_path / os.fsdecode(b'\xff')
    odd.mkdir()
    monkeypatch.setattr('tempfile.tempdir', str(odd))
    with utf8_name(path) as name:
        name.encode()
        assert Path(name).read_text() == 'content'


def test_what_is_no_utf_8_is_written_as_escapes():
    assert printable(os.fsdecode(b'caf\xe9/stra\xc3\x9fe')) == 'caf\\xe9/straße'


def test_a_file_appears_at_the_end_and_replaces_the_one_that_was_there(tmp_path):
    path = tmp_path / 'clip.mp4'
    path.write_text('old')
    with written_whole(path) as unfinished:
        unfinished.write_text('new')
        assert path.read_text() == 'old'
        assert unfinished.suffix == '.mp4', 'what writes it goes by the suffix'
    assert path.read_text() == 'new' and os.listdir(tmp_path) == ['clip.mp4']


@pytest.mark.parametrize('error', [ValueError('wrong'), KeyboardInterrupt()])
def test_what_is_not_finished_leaves_nothing_behind(tmp_path, error):
    path = tmp_path / 'results.json'
    path.write_text('old')
    with pytest.raises(type(error)), written_whole(path) as unfinished:
        unfinished.write_text('half')
        raise error
    assert path.read_text() == 'old' and os.listdir(tmp_path) == ['results.json']
