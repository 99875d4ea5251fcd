"""Compiled graphs are kept, checked, and never stood in the way of."""

import os
import stat
import tempfile
from pathlib import Path

import pytest
import torch

from mpn_ros.backends.cache import cache_folder, get_or_build, set_inductor_cache_dir
from mpn_ros.weights import tensor_digest


@pytest.fixture(autouse=True)
def private(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))


def builder(text='graph'):
    def build(folder):
        build.calls += 1
        (folder / 'graph.bin').write_text(text)

    build.calls = 0
    return build


def test_a_graph_is_built_once_for_each_key_in_a_private_folder():
    build = builder()
    first = get_or_build('kind', ('weights', (1, 2)), build)
    assert get_or_build('kind', ('weights', (1, 2)), build) == first and build.calls == 1
    assert get_or_build('kind', ('weights', (1, 3)), build) != first and build.calls == 2
    assert (first / 'graph.bin').read_text() == 'graph'
    assert all(stat.S_IMODE(folder.stat().st_mode) == 0o700 for folder in (first, cache_folder()))


@pytest.mark.parametrize(
    'damage',
    [
        lambda f: (f / 'graph.bin').write_text('grap'),
        lambda f: (f / 'graph.bin').unlink(),
        lambda f: (f / 'sha256').write_bytes(b'\xff\xfe'),
        lambda f: (f / 'sha256').unlink(),
        lambda f: (f / 'more').write_text('x'),
    ],
)
def test_a_damaged_graph_is_built_again(damage):
    build = builder()
    folder = get_or_build('kind', (), build)
    damage(folder)
    assert get_or_build('kind', (), build) == folder and build.calls == 2
    assert get_or_build('kind', (), build) == folder and build.calls == 2


def test_a_build_that_fails_leaves_nothing():
    def fail(folder):
        (folder / 'half').write_text('')
        raise RuntimeError('no')

    with pytest.raises(RuntimeError):
        get_or_build('kind', (), fail)
    build = builder()
    assert get_or_build('kind', (), build) and build.calls == 1
    assert len(list(cache_folder().iterdir())) == 1


def test_without_a_place_to_write_the_caller_does_without(tmp_path, monkeypatch, caplog):
    (tmp_path / 'file').write_text('')
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'file'))
    assert get_or_build('kind', (), builder()) is None
    assert 'compiled graphs are not kept' in caplog.text


def test_the_key_of_weights_changes_with_any_value():
    layer = torch.nn.Linear(3, 3)
    before = tensor_digest(layer.state_dict())
    assert tensor_digest(layer.state_dict()) == before
    with torch.no_grad():
        layer.bias[2] += 1e-6
    assert tensor_digest(layer.state_dict()) != before


def test_home_is_the_default(monkeypatch):
    monkeypatch.delenv('XDG_CACHE_HOME')
    assert str(cache_folder()) == os.path.expanduser('~/.cache/mpn_ros')


def test_of_two_that_build_at_once_both_get_the_graph():
    def build(folder):
        (folder / 'graph.bin').write_text('graph')
        if not inner:
            inner.append(get_or_build('kind', (), builder()))

    inner = []
    assert get_or_build('kind', (), build) == inner[0] and (inner[0] / 'graph.bin').read_text() == 'graph'


def test_the_oldest_graphs_are_forgotten(monkeypatch):
    monkeypatch.setattr('mpn_ros.backends.cache._MOST', 2)
    first, second = get_or_build('kind', (1,), builder()), get_or_build('kind', (2,), builder())
    for age, folder in ((300, second), (200, first)):
        os.utime(folder, (folder.stat().st_mtime - age,) * 2)
    third = get_or_build('kind', (3,), builder())
    assert (first.exists(), second.exists(), third.exists()) == (True, False, True)


def test_a_cache_that_others_could_write_is_closed(tmp_path):
    folder = get_or_build('kind', (), builder())
    cache_folder().chmod(0o777)
    assert get_or_build('kind', (), builder()) == folder
    assert stat.S_IMODE(cache_folder().stat().st_mode) == 0o700


def test_a_cache_of_another_user_is_not_used(monkeypatch, caplog):
    get_or_build('kind', (), builder())
    user = cache_folder().stat().st_uid
    if user == 0:  # for root, whom everybody trusts, the folder is given away
        os.chown(cache_folder(), 12345, 12345)
    else:
        monkeypatch.setattr(os, 'getuid', lambda: user + 1)
    build = builder()
    assert get_or_build('kind', (), build) is None and not build.calls
    assert 'belongs to another user' in caplog.text


def test_a_graph_is_read_where_nothing_can_be_written(monkeypatch):
    folder = get_or_build('kind', (), builder())

    def refuse(*_):
        raise OSError(30, 'Read-only file system')

    for name in ('utime', 'chmod', 'mkdir'):
        monkeypatch.setattr(os, name, refuse)
    assert get_or_build('kind', (), builder()) == folder


def test_what_a_killed_process_left_unfinished_is_removed_in_the_end():
    get_or_build('kind', (1,), builder())
    old, new = cache_folder() / 'unfinished-old', cache_folder() / 'unfinished-new'
    for place in (old, new):
        place.mkdir()
    os.utime(old, (0, 0))
    get_or_build('kind', (2,), builder())
    assert new.exists() and not old.exists(), 'another process may be at work in the new one'


KERNELS = 'TORCHINDUCTOR_CACHE_DIR'


@pytest.mark.parametrize('named', ['', f'{tempfile.gettempdir()}/torchinductor_somebody'])
def test_what_pytorch_compiles_is_kept_in_private(monkeypatch, named):
    monkeypatch.setenv(KERNELS, named)
    for _ in range(2):
        set_inductor_cache_dir()
        assert Path(os.environ[KERNELS]) == cache_folder() / 'inductor'
    assert stat.S_IMODE((cache_folder() / 'inductor').stat().st_mode) == 0o700


def test_a_folder_for_it_that_the_user_has_named_stays(monkeypatch, tmp_path):
    monkeypatch.setenv(KERNELS, str(tmp_path / 'torchinductor_mine'))
    set_inductor_cache_dir()
    assert os.environ[KERNELS] == str(tmp_path / 'torchinductor_mine')


def test_without_a_cache_it_goes_to_a_new_folder_of_this_process(monkeypatch, tmp_path):
    (tmp_path / 'file').touch()
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'file'))
    monkeypatch.setenv(KERNELS, '')
    set_inductor_cache_dir()
    made = Path(os.environ[KERNELS])
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    set_inductor_cache_dir()
    assert Path(os.environ[KERNELS]) == made
    made.rmdir()
