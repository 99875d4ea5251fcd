"""Settings as options of a command: a field of a dataclass says its help, and the parser, the table of docs/training.md
and the settings of a run come from it."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar('T')


@dataclass(frozen=True)
class OptionSpec:
    """What the command line says of a setting beside its default.

    group: the heading under which ``--help`` has it. help: one line, without the default. name: of the option, where it
    is not that of the field. kind: makes the value of a word; by default that of the default. count: how many words,
    as ``nargs`` of argparse. required: whether there is no default.
    default: the default in words, where the value says little.
    """

    group: str
    help: str
    name: str = ''
    kind: Callable[[str], Any] | None = None
    metavar: str | tuple[str, ...] | None = None
    count: int | str | None = None
    choices: Sequence[str] | None = None
    required: bool = False
    default: str = ''


def option(default: Any, group: str, help: str, **rest: Any) -> Any:
    """A field of a dataclass that is an option, too. The arguments are those of ``OptionSpec``."""
    words = rest.pop('default_words', '')
    return field(default=default, metadata={'option': OptionSpec(group, help, default=words, **rest)})


@dataclass(frozen=True)
class Option:
    """An option with its default, for one stage."""

    field: str
    spec: OptionSpec
    default: Any

    @property
    def flag(self) -> str:
        """As it is written: '--rate-factor'."""
        return '--' + (self.spec.name or self.field.replace('_', '-'))

    @property
    def destination(self) -> str:
        """Its attribute of what argparse returns."""
        return self.flag[2:].replace('-', '_')

    @property
    def words(self) -> str:
        """The default in words; empty where there is nothing to say."""
        if self.spec.default or self.default is None or self.default == () or isinstance(self.default, bool):
            return self.spec.default
        values = self.default if isinstance(self.default, tuple) else (self.default,)
        return ' '.join(f'{value:g}' if isinstance(value, float) else str(value) for value in values)

    def add(self, parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
        """Declares it."""
        text = self.spec.help.replace('%', '%%') + (f' (default: {self.words})' if self.words else '')
        if isinstance(self.default, bool):
            action = argparse.BooleanOptionalAction if self.default else 'store_true'
            parser.add_argument(self.flag, action=action, default=self.default, help=text)
            return
        value = self.default[0] if isinstance(self.default, tuple) and self.default else self.default
        kind = self.spec.kind or (type(value) if isinstance(value, (int, float, Path)) else str)
        parser.add_argument(
            self.flag,
            type=kind,
            nargs=self.spec.count,
            default=self.default,
            required=self.spec.required,
            choices=self.spec.choices,
            metavar=self.spec.metavar,
            help=text,
        )


def options_of(settings: type, defaults: Mapping[str, Any] | None = None) -> Iterator[Option]:
    """The options of a dataclass, in the order of its fields. ``defaults`` replace the fields' own, by their names."""
    for entry in dataclasses.fields(settings):
        if 'option' in entry.metadata:
            yield Option(entry.name, entry.metadata['option'], (defaults or {}).get(entry.name, entry.default))


def add_options(parser: argparse.ArgumentParser, options: Sequence[Option]) -> None:
    """Declares them all, each under the heading of its group."""
    groups: dict[str, argparse._ArgumentGroup] = {}
    for one in options:
        if one.spec.group not in groups:
            groups[one.spec.group] = parser.add_argument_group(one.spec.group)
        one.add(groups[one.spec.group])


def settings_from(settings: Callable[..., T], args: argparse.Namespace, **rest: Any) -> T:
    """An instance of a dataclass from what argparse returns; ``rest`` are its fields that are no options."""
    assert isinstance(settings, type)
    values = {one.field: getattr(args, one.destination) for one in options_of(settings)}
    return settings(**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}, **rest)


def to_markdown(options: Sequence[Option]) -> str:
    """The table of docs/training.md: a row for each option."""
    lines = ['| option | default | what it is |', '| --- | --- | --- |']
    for one in options:
        metavar = one.spec.metavar if isinstance(one.spec.metavar, tuple) else (one.spec.metavar or '',)
        shown = ' '.join(filter(None, [one.flag, *metavar])).replace('|', '\\|')
        default = 'on' if one.default is True else 'required' if one.spec.required else one.words
        lines.append(f'| `{shown}` | {default} | {one.spec.help.replace("|", chr(92) + "|")} |')
    return '\n'.join(lines) + '\n'
