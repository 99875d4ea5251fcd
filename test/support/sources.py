"""Where the sources define a name, found without importing anything."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def find_module(name: str) -> tuple[list[ast.stmt], list[str]] | None:
    """The statements of the longest beginning of a dotted name that is a module, and the rest of the name; None where
    no beginning is one."""
    parts = name.split('.')
    for count in range(len(parts), 0, -1):
        path = ROOT.joinpath(*parts[:count])
        source = path / '__init__.py' if path.is_dir() else path.with_suffix('.py')
        if source.is_file():
            return ast.parse(source.read_text()).body, parts[count:]
    return None
