"""The properties that the decoders are held to, and the campaign that tries them on any number of cases."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from benchmarks.fuzz.files import check_file, damaged, jpegs, pngs, resealed
from benchmarks.fuzz.images import changed, check_image, images

CHANGES = 60
"""Cases that are made of each right one by changing it."""


def _image(message: Any, random: Random) -> None:
    check_image(message)
    for _ in range(CHANGES):
        check_image(changed(message, random))


def _file(file: Any, random: Random) -> None:
    check_file(file)
    for _ in range(CHANGES):
        check_file(damaged(file, random), may_refuse=True)


def _hostile(file: Any, random: Random) -> None:
    for _ in range(1 + CHANGES):
        check_file(resealed(damaged(file, random)), may_refuse=True)


PROPERTIES: dict[str, tuple[st.SearchStrategy[Any], Callable[[Any, Random], None]]] = {
    'raw': (images(), _image),
    'png': (pngs(), _file),
    'jpeg': (jpegs(), _file),
    'hostile png': (pngs(), _hostile),
}
"""By what is decoded: right inputs, and what holds of each and of its changes."""


def campaign(name: str, cases: int, number: int = 0) -> int:
    """Tries a property on at least ``cases`` inputs, the same for the same ``number``; returns how many they were.
    Raises what the property raises, with the input in words."""
    strategy, holds = PROPERTIES[name]
    examples = -(-cases // (1 + CHANGES))
    tried = 0

    @seed(number)
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(strategy, st.integers(0, 2**32))
    def attempt(right: Any, random: int) -> None:
        nonlocal tried
        holds(right, Random(random))
        tried += 1 + CHANGES

    attempt()
    return tried
