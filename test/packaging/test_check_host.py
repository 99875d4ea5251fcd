"""What a machine lacks is one sentence that says what to install."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """``build_support/check_host.py`` on a machine that has everything."""
    path = Path(__file__).parents[2] / 'build_support' / 'check_host.py'
    spec = importlib.util.spec_from_file_location('check_host', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    python = SimpleNamespace(version_info=(3, 12, 1), platform='linux', executable='/usr/bin/python3')
    monkeypatch.setattr(module, 'sys', python)
    monkeypatch.setattr(module.platform, 'machine', lambda: 'x86_64')
    monkeypatch.setattr(module.shutil, 'which', lambda command: f'/usr/bin/{command}')
    monkeypatch.setattr(module.Path, 'is_file', lambda path: True)
    monkeypatch.delenv('CC', raising=False)
    monkeypatch.delenv('CXX', raising=False)
    return module


def test_silent_when_nothing_is_missing(host: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('CC', 'ccache gcc')
    assert host.missing() is None


@pytest.mark.parametrize('version', [(3, 9, 18), (3, 14, 0)])
def test_other_python(version: tuple[int, ...], host: ModuleType) -> None:
    host.sys.version_info = version
    assert host.missing().startswith('Python 3.10 to 3.13 is needed and /usr/bin/python3 is')


def test_other_machine(host: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host.platform, 'machine', lambda: 'aarch64')
    assert 'aarch64: build in a ROS 2 installation with colcon' in host.missing()


def test_no_venv(host: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host.importlib.util, 'find_spec', lambda name: None)
    assert 'apt install python3-venv' in host.missing()


@pytest.mark.parametrize('absent', ['cc', 'c++'])
def test_no_compiler(absent: str, host: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host.shutil, 'which', lambda command: None if command == absent else command)
    assert f'there is no {absent}: install' in host.missing()


def test_no_headers(host: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host.Path, 'is_file', lambda path: False)
    assert 'has no Python.h: install it (apt install python3-dev)' in host.missing()
