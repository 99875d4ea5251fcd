"""The tables of the pages are those that the measured figures give."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import figures

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(('page', 'name'), figures.TABLES)
def test_a_page_has_the_figures_that_were_measured(page, name):
    begin, end = figures.markers(name)
    text = (ROOT / page).read_text(encoding='utf-8')
    assert begin in text, f'{page} has no place for the table {name}'
    shown = text.split(begin)[1].split(end)[0]
    assert shown == figures.TABLES[page, name](), 'fill the pages by: python -m benchmarks.figures'


def test_all_figures_are_of_the_weights_that_ship():
    """Those of others aside."""
    from mpn_ros.weights import load_weights, resolve_weights

    digest = load_weights(resolve_weights('lite')).metadata['sha256']
    for name in figures.COMMANDS:
        found = figures.load(name)
        if 'sha256' in found and not name.startswith('movenet'):
            assert found['sha256'] == digest, f'{name}.json is of other weights'


def test_no_figure_names_a_folder_of_a_machine():
    changed = figures._without_paths({'weights': '/home/me/lite.safetensors', '/data/two.pt': ['a', 1, None]})
    assert changed == {'weights': 'lite.safetensors', 'two.pt': ['a', 1, None]}
