"""The examples in docstrings do what they say."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted(
    '.'.join(path.relative_to(ROOT).with_suffix('').parts)
    for path in (ROOT / 'mpn_ros').rglob('*.py')
    if '>>>' in path.read_text()
)


def test_there_are_some():
    assert 'mpn_ros.result' in MODULES and len(MODULES) >= 5


@pytest.mark.parametrize('name', MODULES)
def test_the_examples_are_true(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    module = importlib.import_module(name)
    failed, tried = doctest.testmod(module, extraglobs={'np': np}, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert tried and not failed, f'{failed} of {tried} examples in {name} do something else, see above'
