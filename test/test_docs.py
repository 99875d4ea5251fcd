"""The pages for people: every link leads somewhere, and the sentences are short."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob('*.md'), *(ROOT / 'docs').rglob('*.md'), *(ROOT / 'models').glob('*.md')])
PLAIN = [
    'README.md',
    'docs/bags.md',
    'docs/view.md',
    'docs/visualization.md',
    'docs/cameras.md',
    'docs/backends.md',
    'docs/reports/backends.md',
    'docs/performance.md',
    'docs/reports/performance.md',
    'docs/reliability.md',
    'docs/reports/reliability.md',
    'docs/interface.md',
    'docs/tuning.md',
    'docs/migration.md',
    'docs/renamed.md',
    'docs/troubleshooting.md',
    'CONTRIBUTING.md',
    'docs/media.md',
    'SECURITY.md',
    'docs/training.md',
    'docs/models.md',
    'docs/reproduction.md',
    'docs/architecture.md',
    'docs/second_look.md',
    'docs/dependencies.md',
    'docs/reports/lite.md',
    'models/README.md',
]
"""Pages that are written in plain English, and stay so."""
MEAN, LONGEST = 17, 35
"""Words of a sentence."""


def named(pages: list[Path]) -> list[object]:
    return [pytest.param(page, id=str(page.relative_to(ROOT))) for page in pages]


def anchors(page: Path) -> set[str]:
    """The anchors that a page has for its headings, as GitHub makes them."""
    headings = re.findall(r'^#+ (.*)', without_code(page.read_text()), re.MULTILINE)
    return {re.sub(r'[^\w\- ]', '', heading).strip().lower().replace(' ', '-') for heading in headings}


def without_code(text: str) -> str:
    return re.sub(r'^ *```.*?^ *```', '', text, flags=re.DOTALL | re.MULTILINE)


def sentences(text: str) -> list[str]:
    """The sentences of a page's prose: tables, code, headings and comments are none, and inline code is one word."""
    text = re.sub(r'<!--.*?-->', '', without_code(text), flags=re.DOTALL)
    text = re.sub(r'!?\[([^\]]*)\]\([^)]*\)', r'\1', re.sub(r'`[^`]+`', 'Code', text))
    lines = [line for line in text.splitlines() if not re.match(r' *(\||#|\[!|!\[)', line)]
    blocks = re.split(r'\n\s*\n|\n\s*(?:-|\d+\.) ', '\n' + '\n'.join(lines))
    found = (sentence for block in blocks for sentence in re.split(r'(?<=[.!?])[*)"]*\s+(?=[^a-z])', block))
    return [' '.join(sentence.split()) for sentence in found if len(sentence.split()) > 1]


def test_every_page_is_on_the_site():
    navigation = (ROOT / 'mkdocs.yml').read_text().split('nav:\n')[1]
    shown = set(re.findall(r'[\w/]+\.md$', navigation, re.MULTILINE))
    pages = {page.relative_to(ROOT / 'docs').as_posix() for page in (ROOT / 'docs').rglob('*.md')}
    assert pages <= shown, f'mkdocs.yml does not name {sorted(pages - shown)}: make docs would fail'


@pytest.mark.parametrize('page', named(PAGES))
def test_every_link_leads_somewhere(page):
    for target in re.findall(r'\]\(([^)\s]+)\)', without_code(page.read_text())):
        if re.match(r'[a-z]+:', target):
            continue
        path, _, anchor = target.partition('#')
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


@pytest.mark.parametrize('page', named([ROOT / name for name in PLAIN]))
def test_sentences_are_short(page):
    lengths = {sentence: len(sentence.split()) for sentence in sentences(page.read_text())}
    too_long = [sentence for sentence, length in lengths.items() if length > LONGEST]
    assert not too_long, f'longer than {LONGEST} words'
    assert sum(lengths.values()) / len(lengths) <= MEAN


def test_words_are_counted():
    page = """# A heading of no account
| a table | has | no sentences |

One two three. `Four and more` five [six](page.md).
- Seven eight: nine ten
  eleven.
"""
    assert [len(sentence.split()) for sentence in sentences(page)] == [3, 3, 5]
