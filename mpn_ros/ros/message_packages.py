"""Packages of messages that a robot may lack, or have without the libraries that the middleware needs."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.type_support import NoTypeSupportImportedException
from rosidl_generator_py.import_type_support_impl import UnsupportedTypeSupport

from mpn_ros.errors import MpnError

_WITHOUT_LIBRARIES = (UnsupportedTypeSupport, NoTypeSupportImportedException)


class PackageError(MpnError):
    """A package of messages that cannot be used. ``installed`` tells a broken one from one that is not there."""

    def __init__(self, sentence: str, installed: bool = True) -> None:
        super().__init__(sentence)
        self.installed = installed


def message_package(name: str, *classes: str) -> ModuleType:
    """The module ``<name>.msg``.

    Args:
        name: of the package.
        *classes: those that are wanted of it.

    Returns:
        The module with these classes. Whether the middleware can send them shows when a publisher is made.

    Raises:
        PackageError: The package is not installed, cannot be imported, or lacks a class.
    """
    try:
        module = importlib.import_module(f'{name}.msg')
    except ModuleNotFoundError as error:
        if error.name == name:
            raise PackageError(f'the package {name} is not installed', installed=False) from error
        raise _broken(name, error) from error
    except Exception as error:  # whatever a damaged installation raises
        raise _broken(name, error) from error
    missing = [wanted for wanted in classes if not hasattr(module, wanted)]
    if missing:
        raise PackageError(f'the package {name} is installed, but in a version without {", ".join(missing)}')
    return module


@contextmanager
def sendable(kind: type) -> Iterator[None]:
    """Makes a sentence of what rclpy raises inside where libraries of the package of ``kind`` are missing: its own, or
    those for this middleware. Raises PackageError."""
    try:
        yield
    except _WITHOUT_LIBRARIES as error:
        raise _broken(kind.__module__.partition('.')[0], error) from error
    except rclpy_implementation.RCLError as error:
        if 'type support' not in str(error).lower():
            raise
        raise _broken(kind.__module__.partition('.')[0], error) from error


def _broken(package: str, error: Exception) -> PackageError:
    reason = ' '.join(str(error.__context__ or error).split())  # the import that failed, where rclpy hides it
    return PackageError(
        f'the package {package} is installed, but does not work here: {reason[:200] or type(error).__name__}'
    )
