"""Images to results, whatever one of them or the device does: a fault costs the images that it must, no others."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np

from mpn_ros.decoding.raw import ChannelOrder, DecodedImage
from mpn_ros.scene import Scene

_log = logging.getLogger(__name__)


class Pipeline(Protocol):
    """What serving needs of a ``PosePipeline``."""

    @property
    def largest_batch(self) -> int:
        """The most images that are faster as a batch."""

    @property
    def one_thread(self) -> bool:
        """Whether all calls should come from the same thread."""

    def batch(self, images: Sequence[np.ndarray], channel_order: Sequence[ChannelOrder]) -> list[Scene]:
        """A result for each image ``(H, W, 3)`` uint8."""


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
        return min(self._memory_limit, self._pipeline.largest_batch)

    def __call__(self, images: Sequence[DecodedImage]) -> list[Scene | Exception]:
        """A result for each image, or why there is none. May be called from any thread, by one at a time.

        Where memory is missing, what is kept for later is freed and the batch tried once more. A batch that fails is
        halved until the image that it fails for is alone; if it was for memory, later batches are no larger.
        """
        if self._pipeline.one_thread:
            return self._thread.submit(self._infer, images).result()
        return self._infer(images)

    def close(self) -> None:
        """Ends what it has started."""
        self._thread.shutdown()

    def _infer(self, images: Sequence[DecodedImage]) -> list[Scene | Exception]:
        if not images:
            return []
        if len(images) <= self._memory_limit:
            try:
                return [*self._run(images)]
            except Exception as error:
                self._handle_failure(error, len(images))
                if self.fatal_error or len(images) == 1:
                    return [error] * len(images)
        middle = (len(images) + 1) // 2
        return [*self._infer(images[:middle]), *self._infer(images[middle:])]

    def _run(self, images: Sequence[DecodedImage]) -> list[Scene]:
        arrays, orders = zip(*images, strict=True)
        try:
            return self._pipeline.batch(arrays, orders)
        except Exception as error:
            from mpn_ros.backends.faults import free_memory, out_of_memory  # loads torch: not before it is needed
            if not out_of_memory(error):
                raise
            reason = str(error)
        # Only now: the exception holds the frames of the call, and these what they had allocated.
        free_memory()
        results = self._pipeline.batch(arrays, orders)
        self._log_error(f'memory had run out for {len(images)} images, and sufficed after it was freed: {reason}')
        return results

    def _handle_failure(self, error: Exception, count: int) -> None:
        """Notes that the device is lost, or that memory does not suffice for ``count`` images."""
        from mpn_ros.backends.faults import device_lost, out_of_memory
        if device_lost(error):
            self.fatal_error = f'the device is lost: {str(error).splitlines()[0]}'
        elif out_of_memory(error) and count > 1:
            self._memory_limit = (count + 1) // 2
            _log.warning('memory does not suffice for %d images at once; from now on at most %d', count,
                         self._memory_limit)
