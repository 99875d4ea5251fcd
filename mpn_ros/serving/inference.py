"""Images to results, whatever one of them or the device does: a fault costs the images that it must, no others."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, Protocol

import numpy as np

from mpn_ros.backends.faults import device_lost, free_memory, out_of_memory
from mpn_ros.conventions import ChannelOrder
from mpn_ros.decoding.raw import DecodedImage
from mpn_ros.result import PoseResult

_log = logging.getLogger(__name__)


class Pipeline(Protocol):
    """What serving needs of a ``PosePipeline``."""

    @property
    def max_batch_size(self) -> int:
        """The most images that are faster as a batch."""

    @property
    def thread_affine(self) -> bool:
        """Whether all calls should come from the same thread."""

    def batch(
        self, images: Sequence[np.ndarray], channel_order: Sequence[ChannelOrder], expected: Sequence[np.ndarray | None]
    ) -> list[PoseResult]:
        """A result for each image ``(H, W, 3)`` uint8; where boxes ``(P, 4)`` of people are expected, those alone are
        looked for."""

    def warm(self) -> None:
        """Prepares what no image should have to wait for."""


class Request(NamedTuple):
    """An image, and the boxes ``(P, 4)`` of the people who alone are to be looked for in it; None for everybody."""

    image: DecodedImage
    expected: np.ndarray | None = None


class Inference:
    """Runs ``pipeline``. ``log_error`` gets a sentence for every second try that succeeds.

    ``fatal_error`` says why the device answers no more, if so; only a new process can use it again.
    """

    def __init__(self, pipeline: Pipeline, log_error: Callable[[str], None]) -> None:
        self._pipeline, self._log_error = pipeline, log_error
        self._memory_limit = sys.maxsize
        self._thread = ThreadPoolExecutor(1, 'inference')
        self.fatal_error = ''

    @property
    def max_batch_size(self) -> int:
        """The most images that are worth a batch, and that memory has sufficed for."""
        return min(self._memory_limit, self._pipeline.max_batch_size)

    def __call__(self, requests: Sequence[Request]) -> list[PoseResult | Exception]:
        """A result for each image, or why there is none. May be called from any thread, by one at a time.

        Where memory is missing, what is kept for later is freed and the batch tried once more. A batch that fails is
        halved until the image that it fails for is alone; if it was for memory, later batches are no larger.
        """
        if self._pipeline.thread_affine:
            return self._thread.submit(self._infer, requests).result()
        return self._infer(requests)

    def warm(self) -> None:
        """Prepares the pipeline: beside the first images, or before them where it is bound to a thread, which they wait
        for. There it raises BackendUnavailable where that fails."""
        prepared = self._thread.submit(self._pipeline.warm)
        if self._pipeline.thread_affine:
            prepared.result()
        else:
            prepared.add_done_callback(self._report_failed_warming)

    def _report_failed_warming(self, prepared: Future[None]) -> None:
        if error := prepared.exception():
            self._log_error(f'the second look could not be prepared: {error}')

    def close(self) -> None:
        """Ends what it has started."""
        self._thread.shutdown()

    def _infer(self, requests: Sequence[Request]) -> list[PoseResult | Exception]:
        if not requests:
            return []
        if len(requests) <= self._memory_limit:
            try:
                return [*self._run(requests)]
            except Exception as error:
                self._handle_failure(error, len(requests))
                if self.fatal_error or len(requests) == 1:
                    return [error] * len(requests)
        middle = (len(requests) + 1) // 2
        return [*self._infer(requests[:middle]), *self._infer(requests[middle:])]

    def _run(self, requests: Sequence[Request]) -> list[PoseResult]:
        images, expected = zip(*requests, strict=True)
        arrays, orders = zip(*images, strict=True)
        try:
            return self._pipeline.batch(arrays, orders, expected)
        except Exception as error:
            if not out_of_memory(error):
                raise
            reason = str(error)
        # Only now: the exception holds the frames of the call, and these what they had allocated.
        free_memory()
        results = self._pipeline.batch(arrays, orders, expected)
        self._log_error(f'memory had run out for {len(requests)} images, and sufficed after it was freed: {reason}')
        return results

    def _handle_failure(self, error: Exception, count: int) -> None:
        """Notes that the device is lost, or that memory does not suffice for ``count`` images."""
        if device_lost(error):
            self.fatal_error = f'the device is lost: {str(error).splitlines()[0]}'
        elif out_of_memory(error) and count > 1:
            self._memory_limit = (count + 1) // 2
            _log.warning(
                'memory does not suffice for %d images at once; from now on at most %d', count, self._memory_limit
            )
