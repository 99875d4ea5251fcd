"""The page of old and new names: what it sends people to is there, and what it calls gone is gone."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from sources import find_module

ROOT = Path(__file__).resolve().parents[1]
ROWS = re.findall(r'^\| `(mpn_ros\.[\w.]+)` \| `(mpn_ros\.[\w.]+)` \|$', (ROOT / 'docs/renamed.md').read_text(), re.M)


def is_there(name: str) -> bool:
    """Whether the sources have that module, or a module that defines it at its top or in a class at its top."""
    found = find_module(name)
    return found is not None and defines(*found)


def defines(body: list[ast.stmt], names: list[str]) -> bool:
    if not names:
        return True
    for statement in body:
        if isinstance(statement, (ast.ClassDef, ast.FunctionDef)) and statement.name == names[0]:
            return defines(statement.body, names[1:])
        targets = getattr(statement, 'targets', [getattr(statement, 'target', None)])
        if any(isinstance(target, ast.Name) and target.id == names[0] for target in targets):
            return len(names) == 1
        if any(
            f'self.{names[0]}' == ast.unparse(part) for part in ast.walk(statement) if isinstance(part, ast.Attribute)
        ):
            return len(names) == 1
    return False


def test_the_page_has_rows():
    assert len(ROWS) > 60 and len({old for old, _ in ROWS}) == len(ROWS)


@pytest.mark.parametrize('old, new', ROWS)
def test_the_old_name_is_gone_and_the_new_one_is_there(old, new):
    assert not is_there(old), f'{old} is still there'
    assert is_there(new), f'{new} is not there'
