"""What libpng, libjpeg and their like write to stderr about a damaged file, beside our one sentence, is kept back."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_CHATTER = re.compile(
    rb'libpng |Corrupt JPEG|Premature end of JPEG|Invalid SOS|Unsupported marker|'
    rb'Inconsistent progression|.*extraneous bytes|\[ ?(WARN|ERROR|INFO):\d|OpenCV: '
)
"""What the decoders of JPEG and PNG write, and OpenCV around them and around FFmpeg."""
_lock = threading.Lock()
_depth, _kept, _stderr, _read, _all = 0, -1, -1, 0, False


@contextmanager
def decoders_silenced(of_files: bool = False) -> Iterator[None]:
    """While a decoder is at work, in any thread, its lines are dropped and all others delayed. Those of the many
    formats of pictures cannot be told from others, and there all is dropped."""
    _enter(of_files)
    try:
        yield
    finally:
        _leave()


def _enter(everything: bool) -> None:
    global _depth, _kept, _stderr, _read, _all
    with _lock:
        _all |= everything
        _depth += 1
        if _depth == 1:
            try:
                _kept, _stderr, _read = os.memfd_create('stderr'), os.dup(2), 0
                os.dup2(_kept, 2)
            except (AttributeError, OSError):  # no Linux, or no stderr: then they are heard
                _stderr = -1


def _leave() -> None:
    global _depth, _read, _all
    with _lock:
        _depth -= 1
        if _stderr < 0:
            return
        if not _depth:
            os.dup2(_stderr, 2)
        lines = os.pread(_kept, 1 << 20, _read).splitlines(keepends=True)
        _read += sum(map(len, lines))
        for line in lines:
            if not (_all or _CHATTER.match(line)):
                os.write(_stderr, line)
        if not _depth:
            _all = False
            os.close(_stderr)
            os.close(_kept)
