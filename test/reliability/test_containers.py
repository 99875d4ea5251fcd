"""Damaged files for every reader: a fixed part of the campaign of `make fuzz`."""

from __future__ import annotations

import pytest

pytest.importorskip('hypothesis', reason='hypothesis is not installed here: pip install -r requirements/test.txt')
pytest.importorskip('rosbags', reason='rosbags is not installed here')

from benchmarks.fuzz.containers import KINDS, SECONDS, campaign  # noqa: E402

FILES = 200


@pytest.mark.parametrize('name', KINDS)
def test_a_damaged_file_is_read_or_refused_in_a_sentence(name):
    tally = campaign(name, 0, FILES)
    assert tally['read'] + tally['refused'] == FILES and tally['read'] > 5 and tally['refused'] > 5
    assert tally['seconds'] < SECONDS
