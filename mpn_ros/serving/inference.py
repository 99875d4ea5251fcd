"""Pictures to scenes, whatever one of them or the device does: a fault costs the pictures that it must, no others."""

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
        """A scene for each image ``(H, W, 3)`` uint8."""


class Inference:
    """Runs ``pipeline``. ``report(sentence)`` hears of every second try that succeeds.

    ``lost`` says why the device answers no more, if so; only a new process can use it again.
    """

    def __init__(self, pipeline: Pipeline, report: Callable[[str], None]) -> None:
        self._pipeline, self._report = pipeline, report
        self._most = sys.maxsize
        self._thread = ThreadPoolExecutor(1, 'inference')
        self.lost = ''

    @property
    def largest_batch(self) -> int:
        """The most pictures that are worth a batch, and that memory has sufficed for."""
        return min(self._most, self._pipeline.largest_batch)

    def __call__(self, pictures: Sequence[DecodedImage]) -> list[Scene | Exception]:
        """A scene for each picture, or why there is none. May be called from any thread, by one at a time.

        Where memory is missing, what is kept for later is freed and the batch tried once more. A batch that fails is
        halved until the picture that it fails for is alone; if it was for memory, later batches are no larger.
        """
        if self._pipeline.one_thread:
            return self._thread.submit(self._answer, pictures).result()
        return self._answer(pictures)

    def close(self) -> None:
        """Ends what it has started."""
        self._thread.shutdown()

    def _answer(self, pictures: Sequence[DecodedImage]) -> list[Scene | Exception]:
        if not pictures:
            return []
        if len(pictures) <= self._most:
            try:
                return [*self._run(pictures)]
            except Exception as error:
                if self._explain(error, len(pictures)) or len(pictures) == 1:
                    return [error] * len(pictures)
        middle = (len(pictures) + 1) // 2
        return [*self._answer(pictures[:middle]), *self._answer(pictures[middle:])]

    def _run(self, pictures: Sequence[DecodedImage]) -> list[Scene]:
        arrays, orders = zip(*pictures, strict=True)
        try:
            return self._pipeline.batch(arrays, orders)
        except Exception as error:
            from mpn_ros.backends.faults import free_memory, out_of_memory  # loads torch: not before it is needed
            if not out_of_memory(error):
                raise
            reason = str(error)
        # Only now: the exception holds the frames of the call, and these what they had allocated.
        free_memory()
        scenes = self._pipeline.batch(arrays, orders)
        self._report(f'memory had run out for {len(pictures)} images, and sufficed after it was freed: {reason}')
        return scenes

    def _explain(self, error: Exception, count: int) -> bool:
        """Draws the conclusions; whether all further tries are in vain."""
        from mpn_ros.backends.faults import device_lost, out_of_memory
        if device_lost(error):
            self.lost = f'the device is lost: {str(error).splitlines()[0]}'
        elif out_of_memory(error) and count > 1:
            self._most = (count + 1) // 2
            _log.warning('memory does not suffice for %d images at once; from now on at most %d', count, self._most)
        return bool(self.lost)
