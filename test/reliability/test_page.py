"""``docs/reliability.md`` speaks of tests and results that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / 'docs' / 'reliability.md').read_text()
EVENTS = re.findall(r'^\| (?!event|---)(.+?) \| .+ \| (.+) \|$', PAGE.partition('## Long forms')[0], re.MULTILINE)


def the_file(name: str) -> Path:
    """The one test file of that name, which may say its folder."""
    found = [path for path in (ROOT / 'test').rglob(Path(name).name) if str(path).endswith(f'/{name}')]
    assert len(found) == 1, f'{name} could be any of {found}'
    return found[0]


@pytest.mark.parametrize(('event', 'tests'), EVENTS, ids=[event for event, _ in EVENTS])
def test_the_tests_of_each_event_exist(event, tests):
    """As `file.py: name`, `file.py` or, in the file before, `name`; three dots stand for the rest of a name."""
    sources = ''
    for file, name in re.findall(r'`(?:([\w/]+\.py)(?:: )?)?([\w.]+)?`', tests):
        if file:
            sources = the_file(file).read_text()
        if name:
            pattern = name.replace('...', r'\w+')
            assert re.search(rf'^def {pattern}\(', sources, re.MULTILINE), name
    assert sources, f'no test is named for: {event}'


def test_the_results_that_it_points_to_exist():
    results = re.findall(r'`(benchmarks/[\w./-]+)`', PAGE)
    assert results and all((ROOT / path).is_file() for path in results)
