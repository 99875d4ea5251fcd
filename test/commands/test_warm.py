"""``mpn warm``: what is prepared before the first image comes."""

import logging

import pytest

from mpn_ros.cli import main


def test_what_was_warmed_is_not_converted_again(monkeypatch, tmp_path, caplog, capsys):
    pytest.importorskip('openvino', reason='openvino is an extra and is not installed')
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    arguments = ['warm', '--size', '64x48', '48x64', '--backend', 'openvino', '--input-size', '64']
    with caplog.at_level(logging.INFO):
        assert main(arguments) == 0
        assert caplog.text.count('converted the network') == 1
        caplog.clear()
        assert main([*arguments, '--refine', '0']) == 0
    assert 'converted the network' not in caplog.text
    told = capsys.readouterr().out
    assert 'images of 48x64' in told and 'windows' in told and str(tmp_path / 'mpn_ros') in told


def test_a_home_that_cannot_be_written_is_named(monkeypatch, tmp_path, capsys):
    (tmp_path / 'file').touch()
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'file'))
    assert main(['warm']) == 2
    told = capsys.readouterr().err
    assert f'{tmp_path / "file" / "mpn_ros"} cannot be written' in told and 'XDG_CACHE_HOME' in told


@pytest.mark.parametrize('size', ['64', '0x48', 'axb'])
def test_a_size_that_is_none_is_refused(size, capsys):
    with pytest.raises(SystemExit):
        main(['warm', '--size', size])
    assert '--size' in capsys.readouterr().err
