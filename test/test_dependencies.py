"""docs/dependencies.md names all that pip, rosdep and make install."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / 'docs' / 'dependencies.md').read_text(encoding='utf-8')


def test_every_dependency_of_pip_is_named_with_its_range():
    tomllib = pytest.importorskip('tomllib', reason='reading pyproject.toml needs Python 3.11')
    project = tomllib.loads((ROOT / 'pyproject.toml').read_text(encoding='utf-8'))['project']
    extras = project['optional-dependencies'].values()
    for requirement in [*project['dependencies'], *(requirement for extra in extras for requirement in extra)]:
        name, versions = re.fullmatch(r'([\w-]+)(.*)', requirement).groups()
        assert f'| `{name}` | {versions} |' in PAGE, f'{requirement} is not in the table of dependencies'


def test_every_dependency_of_rosdep_and_of_make_is_named():
    package = ElementTree.parse(ROOT / 'package.xml').getroot()
    names = {element.text.removeprefix('python3-') for element in package if element.tag.endswith('depend')}
    for path in set((ROOT / 'requirements').iterdir()) - {ROOT / 'requirements' / 'lock.txt'}:
        names |= set(re.findall(r'^(?!ros-)[\w-]+', path.read_text(encoding='utf-8'), re.MULTILINE))
    rows = re.findall(r'^\| (.*)', PAGE, re.MULTILINE)
    missing = {name for name in names if not any(re.search(rf'\b{name}\b', row) for row in rows)}
    assert not missing, f'{sorted(missing)} are not in the table of dependencies'
