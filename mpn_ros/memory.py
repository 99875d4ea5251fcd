"""Memory that glibc would keep for the process. What is prepared once, as weights and graphs are, passes through
buffers of many times its size, in several threads. On other systems nothing happens."""

from __future__ import annotations

import ctypes

_ARENA_MAX = -8  # M_ARENA_MAX of malloc.h


def return_freed_memory() -> None:
    """Gives back to the system what was freed, in some milliseconds at most."""
    trim = getattr(ctypes.CDLL(None), 'malloc_trim', None)
    if trim is not None:
        trim(0)


def share_heap() -> None:
    """Has all threads take memory from one heap: of several, each keeps what is free in it to itself. To be called
    before there are threads, by a program that is a process of its own."""
    tune = getattr(ctypes.CDLL(None), 'mallopt', None)
    if tune is not None:
        tune(_ARENA_MAX, 1)
