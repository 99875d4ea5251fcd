"""Work on many images, some ahead of time in threads, with the results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

Item = TypeVar('Item')
Result = TypeVar('Result')


def run_ahead(
    function: Callable[[Item], Result], items: Iterable[Item], streams: int
) -> Iterator[tuple[Item, Callable[[], Result]]]:
    """Runs ``function`` on each item, on some before they are asked for.

    Args:
        function: What to do, in any thread.
        items: Are taken from by the thread that iterates, as far ahead as there are threads.
        streams: How many run side by side. With 1 no thread is made: each runs when its result is asked for.

    Yields:
        Each item, in order, and what gives its result or raises what ``function`` raised.

    Examples:
        >>> [(item, result()) for item, result in run_ahead(str.upper, ['a', 'b'], streams=2)]
        [('a', 'A'), ('b', 'B')]
    """
    if streams == 1:
        for item in items:
            yield item, partial(function, item)
        return
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    threads = ThreadPoolExecutor(streams, 'ahead')
    try:
        for item in items:
            waiting.append((item, threads.submit(function, item)))
            if len(waiting) > streams:
                ready, future = waiting.popleft()
                yield ready, future.result
        while waiting:
            ready, future = waiting.popleft()
            yield ready, future.result
    finally:
        threads.shutdown(cancel_futures=True)
