"""What the reference shows says its arguments in the form that the reference reads (Google's)."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from sources import ROOT, find_module

Definition = ast.ClassDef | ast.FunctionDef


def members() -> list[str]:
    """The names in ``REFERENCE`` of the hook, read and not imported: it needs MkDocs."""
    tree = ast.parse((ROOT / 'build_support/docs_site.py').read_text())
    [value] = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ['REFERENCE']
    ]
    return [member for _, names in ast.literal_eval(value).values() for member in names]


def definitions(member: str) -> Iterator[tuple[str, Definition]]:
    """The public classes, functions and methods that the reference shows for that name."""
    found = find_module(f'mpn_ros.{member}')
    assert found is not None, f'{member} is not there'
    body, wanted = found
    yield from public(body, wanted[0] if wanted else None, member.removesuffix(f'.{wanted[0]}') if wanted else member)


def public(body: list[ast.stmt], only: str | None, where: str) -> Iterator[tuple[str, Definition]]:
    for node in body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and not node.name.startswith('_'):
            if only in (None, node.name):
                yield f'{where}.{node.name}', node
                if isinstance(node, ast.ClassDef):
                    yield from public(node.body, None, f'{where}.{node.name}')


SHOWN = dict(pair for member in members() for pair in definitions(member))
FUNCTIONS = {name: node for name, node in SHOWN.items() if isinstance(node, ast.FunctionDef)}


def test_the_reference_has_members():
    assert len(FUNCTIONS) > 40 and 'result.PoseResult.to_supervision' in FUNCTIONS


@pytest.mark.parametrize('name', SHOWN)
def test_it_has_a_docstring(name):
    assert ast.get_docstring(SHOWN[name])


@pytest.mark.parametrize('name', FUNCTIONS)
def test_a_function_says_its_arguments(name):
    node = FUNCTIONS[name]
    names = [argument.arg for argument in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]]
    names = [argument for argument in names if argument not in ('self', 'cls')]
    text = ast.get_docstring(node) or ''
    assert not names or 'Args:' in text
    missing = [argument for argument in names if f'    {argument}:' not in text]
    assert not missing


@pytest.mark.parametrize('name', FUNCTIONS)
def test_a_function_says_what_it_raises(name):
    node, text = FUNCTIONS[name], ast.get_docstring(FUNCTIONS[name]) or ''
    raises = {
        ast.unparse(inner.exc.func if isinstance(inner.exc, ast.Call) else inner.exc)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Raise) and inner.exc is not None
    }
    own = {error for error in raises if error.endswith(('Error', 'Unavailable'))}
    assert not own or 'Raises:' in text, own
