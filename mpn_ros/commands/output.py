"""What commands do with figures: JSON, pictures, and percent in a table."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mpn_ros.errors import ParameterError
from mpn_ros.files import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_json(path: Path, figures: dict[str, Any] | list[dict[str, Any]]) -> None:
    """Writes what ``--json`` asked for. Raises ParameterError if it cannot be written."""
    try:
        write_whole(path, f'{json.dumps(figures, indent=2)}\n'.encode())
    except OSError as error:
        raise ParameterError(f'--json {path} cannot be written: {error.strerror}') from error


def save_picture(path: Path, figure: Figure) -> None:
    """Writes a picture in the format of the path's ending. Raises ParameterError if it cannot be written."""
    content = io.BytesIO()
    try:
        figure.savefig(content, format=path.suffix.lstrip('.') or None, dpi=100)
        write_whole(path, content.getvalue())
    except (OSError, ValueError) as error:  # matplotlib's word for a kind of picture that it does not write
        raise ParameterError(f'{path} cannot be written: {error}') from error


def percent(value: float | None) -> str:
    """A figure of 0..1; '-' for one that cannot be told."""
    return '-' if value is None else f'{100 * value:.1f}'
