"""Images, people and masks come as messages of their own; what has the same stamp belongs together."""

from __future__ import annotations

from typing import Any, Literal

Part = Literal['image', 'skeletons', 'mask']

KEPT = 16
"""Stamps that wait for their other parts: half a second of a camera at 30 Hz, longer than an answer takes."""


class Pairing:
    """Joins the messages of one camera."""

    def __init__(self) -> None:
        self._waiting: dict[int, dict[Part, Any]] = {}

    def add(self, part: Part, stamp: int, message: Any) -> dict[Part, Any] | None:
        """The newest image with its skeletons, and its mask, if this message completes it; else None.

        An answer whose mask has not come when the next one is there has none, as when masks are not published.
        """
        self._waiting.setdefault(stamp, {})[part] = message
        answered = [stamp for stamp, parts in self._waiting.items() if {'image', 'skeletons'} <= parts.keys()]
        whole = [stamp for stamp in answered if 'mask' in self._waiting[stamp]]
        ready = whole or answered[:-1]
        stamps = list(self._waiting)
        done = stamps.index(ready[-1]) + 1 if ready else max(0, len(stamps) - KEPT)
        passed = [self._waiting.pop(stamp) for stamp in stamps[:done]]
        return passed[-1] if ready else None
