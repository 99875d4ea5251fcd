"""Shipped files: found from a checkout and from an installation, and a sentence where they are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpn_ros import resources
from mpn_ros.errors import WeightsError


def _install(monkeypatch: pytest.MonkeyPatch, package: Path) -> None:
    """Makes ``resources`` believe that it is the module inside ``package``."""
    package.mkdir(parents=True)
    monkeypatch.setattr(resources, '__file__', str(package / 'resources.py'))


def test_checkout_is_its_own_share_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _install(monkeypatch, tmp_path / 'mpn_ros')
    (tmp_path / 'package.xml').touch()
    assert resources.share_directory() == tmp_path


@pytest.mark.parametrize('site', ['lib/python3.11/site-packages', 'local/lib/python3.12/dist-packages', '.'])
def test_installation_has_a_share_directory_below_its_prefix(
    site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _install(monkeypatch, tmp_path / site / 'mpn_ros')
    models = tmp_path / 'share' / 'mpn_ros' / 'models'
    models.mkdir(parents=True)
    (models / 'lite.safetensors').touch()
    assert resources.share_directory() == models.parent
    assert resources.find_model('lite') == models / 'lite.safetensors'


def test_unknown_model_is_a_sentence_with_the_known_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _install(monkeypatch, tmp_path / 'mpn_ros')
    (tmp_path / 'package.xml').touch()
    (tmp_path / 'models').mkdir()
    with pytest.raises(WeightsError, match="no weights are called 'huge' in .*models; there are none"):
        resources.find_model('huge')
    for name in ('r50', 'lite'):
        (tmp_path / 'models' / f'{name}.safetensors').touch()
    with pytest.raises(WeightsError, match="no weights are called 'huge' in .*models; there are lite, r50"):
        resources.find_model('huge')


def test_incomplete_installation_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _install(monkeypatch, tmp_path / 'site-packages' / 'mpn_ros')
    with pytest.raises(WeightsError, match=f'the installation around {tmp_path}.* is incomplete'):
        resources.share_directory()
