"""docs/architecture.md is true: who may import whom is what its table of rooms says, from the top to the bottom."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / 'mpn_ros'
ALL = 'all above'
EVERYWHERE = {'numpy'}
ROS = re.compile(r'rclpy|cv_bridge|launch(_ros)?|rosidl\w*|\w+_(msgs|interfaces)')
"""Packages of ROS, which the table calls by that name."""


class Row(NamedTuple):
    """A row of the table: modules and packages of ``mpn_ros`` that are one room, and what they say they import."""

    names: list[str]
    imports: set[str]


def read_table() -> list[Row]:
    page = (ROOT / 'docs' / 'architecture.md').read_text()
    lines = page.split('| --- | --- | --- |\n', 1)[1].split('\n\n')[0].splitlines()
    cells = [[cell.strip() for cell in line.strip('|').split('|')] for line in lines]
    return [
        Row(
            [re.sub(r'^mpn_ros/|/$|\.py$', '', name) for name in re.findall(r'`([^`]+)`', first)],
            set(filter(None, last.split(', '))),
        )
        for first, _, last in cells
    ]


TABLE = read_table()
ROW_OF = {name: number for number, row in enumerate(TABLE) for name in row.names}
WORDS = set(TABLE[0].names)
"""What everyone may import without saying so."""


def imported(path: Path, everywhere: bool = True) -> Iterator[str]:
    """The modules that a file imports, wherever it does or outside of functions and type checks alone."""

    def walk(node: ast.AST) -> Iterator[ast.AST]:
        for child in ast.iter_child_nodes(node):
            lazy = isinstance(child, ast.FunctionDef) or (
                isinstance(child, ast.If) and 'TYPE_CHECKING' in ast.unparse(child.test)
            )
            if everywhere or not lazy:
                yield child
                yield from walk(child)

    for node in walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f'{node.module}.{alias.name}' for alias in node.names)


def sources(room: str) -> list[Path]:
    return sorted((PACKAGE / room).rglob('*.py')) if (PACKAGE / room).is_dir() else [PACKAGE / f'{room}.py']


def is_module(name: str) -> bool:
    """Whether it is a file or a folder of this package, as a name that is imported from one is not."""
    path = ROOT.joinpath(*name.split('.'))
    return name.startswith('mpn_ros.') and (path.with_suffix('.py').exists() or (path / '__init__.py').exists())


def uses(row: Row) -> set[str]:
    """What the sources of a room import, in the words of the table."""
    found = set()
    for name in (name for room in row.names for path in sources(room) for name in imported(path)):
        top = name.split('.')[0]
        if is_module(name):
            found.add(name.split('.')[1])
        elif ROS.fullmatch(top) or name.startswith('mpn_ros.msg'):
            found.add('ROS')
        elif top != 'mpn_ros' and top not in sys.stdlib_module_names:
            found.add(top)
    return found - set(row.names) - WORDS - EVERYWHERE


def test_every_module_has_its_place_in_the_table():
    there = {path.stem for path in PACKAGE.iterdir() if (path / '__init__.py').exists() or path.suffix == '.py'}
    assert there - {'__init__'} == set(ROW_OF), 'of the table, or of mpn_ros/'


@pytest.mark.parametrize('row', TABLE, ids=lambda row: row.names[0])
def test_a_room_imports_what_the_table_says(row):
    if ALL not in row.imports:
        assert uses(row) == row.imports


@pytest.mark.parametrize('number', range(len(TABLE)), ids=lambda number: TABLE[number].names[0])
def test_a_room_imports_only_from_above(number):
    below = {name for name in uses(TABLE[number]) if ROW_OF.get(name, -1) > number}
    assert not below, f'{TABLE[number].names} import what stands below them'


def test_ros_is_spoken_where_the_page_says():
    assert [row.names for row in TABLE if 'ROS' in uses(row)] == [['ros'], ['testing'], ['commands', 'cli']]
    at_import = {
        path
        for path in sources('commands')
        for name in imported(path, everywhere=False)
        if ROS.fullmatch(name.split('.')[0]) or name.startswith(('mpn_ros.ros', 'mpn_ros.msg'))
    }
    assert not at_import, 'a command loads ROS before it runs'


def test_no_module_imports_itself_by_way_of_others():
    graph = {}
    for path in PACKAGE.rglob('*.py'):
        name = '.'.join(path.relative_to(ROOT).with_suffix('').parts).removesuffix('.__init__')
        graph[name] = {other for other in imported(path, everywhere=False) if is_module(other)} - {name}
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f'a circle of imports: {" -> ".join(error.args[1])}')


def test_a_wrong_import_is_found(monkeypatch, tmp_path):
    (tmp_path / 'result.py').write_text('import torch\ndef f():\n    from mpn_ros.ros import node\n')
    monkeypatch.setattr(sys.modules[__name__], 'sources', lambda room: [tmp_path / 'result.py'])
    assert uses(Row(['result'], set())) == {'torch', 'ros'}
