"""What the threads of a worker do next: the newest frame of each camera is decoded and inferred, never a queue of old
ones, and its result published."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import NamedTuple, TypeVar

from mpn_ros.result import PoseResult
from mpn_ros.serving.frames import CameraStream, DecodedFrame, Frame

T = TypeVar('T', Frame, DecodedFrame)


class BatchResult(NamedTuple):
    """The frames of a batch, and for each a result or why there is none.

    began: when inference began, monotonic. seconds: how long it took, for the whole batch.
    """

    frames: Mapping[CameraStream, DecodedFrame]
    results: Sequence[PoseResult | Exception]
    began: float
    seconds: float


class DecodeTask(NamedTuple):
    """Frames to be decoded; ``submit_decoded`` is due then."""

    frames: Mapping[CameraStream, Frame]


class InferTask(NamedTuple):
    """A batch for inference; ``submit_results`` is due then."""

    frames: Mapping[CameraStream, DecodedFrame]


class PublishTask(NamedTuple):
    """Results to be published; ``finish_publishing`` is due then."""

    batch: BatchResult


class FrameScheduler:
    """Hands the next task to whichever thread asks. At any time one thread decodes, one infers and one publishes.

    - Of each camera the newest frame counts. What it overtakes, and what is left at the end, is dropped and counted.
    - Cameras take turns: first is the one from which inference has not taken for longest. Only frames of the next
      ``max_batch_size()`` cameras are decoded, so that little is decoded in vain.
    - Results are all published, in their order. So inference waits where publishing is slow.
    - A batch that is not full waits for the frames of further cameras, until its oldest frame is ``batch_wait`` old. It
      waits for no camera that has been silent for ``camera_timeout``. Both are the parameters of that oldest frame.
    """

    def __init__(self, cameras: Sequence[CameraStream], max_batch_size: Callable[[], int]) -> None:
        self._max_batch_size = max_batch_size
        self._changed = threading.Condition(threading.Lock())
        self._round_robin = list(cameras)
        self._frames: dict[CameraStream, Frame] = {}
        self._decoded: dict[CameraStream, DecodedFrame] = {}
        self._results: deque[BatchResult] = deque()
        self._decoding = self._inferring = self._publishing = self._closed = False

    def submit(self, camera: CameraStream, frame: Frame) -> None:
        """Enqueues a frame to be decoded. Never blocks."""
        with self._changed:
            self._enqueue_latest(self._frames, {camera: frame})
            self._notify_if_work()

    def submit_decoded(self, frames: Mapping[CameraStream, DecodedFrame]) -> None:
        """Enqueues the decoded frames of a ``DecodeTask`` for inference, together. Never blocks."""
        with self._changed:
            self._decoding = False
            self._enqueue_latest(self._decoded, frames)

    def submit_results(self, batch: BatchResult) -> None:
        """Enqueues the results of an ``InferTask`` to be published. Never blocks."""
        with self._changed:
            self._inferring = False
            self._results.append(batch)

    def finish_publishing(self) -> None:
        """The results of a ``PublishTask`` are sent."""
        with self._changed:
            self._publishing = False

    def next_task(self) -> DecodeTask | InferTask | PublishTask | None:
        """Waits for the next task. None after the end."""
        with self._changed:
            while (task := self._take_task()) is None and not self._closed:
                self._changed.wait(self._seconds_to_batch())
            self._notify_if_work()
            return task

    def close(self) -> None:
        """Ends the work: frames that wait are dropped, results are still published."""
        with self._changed:
            self._closed = True
            for camera in (*self._frames, *self._decoded):
                camera.statistics.count_dropped()
            self._frames, self._decoded = {}, {}
            self._changed.notify_all()

    def _enqueue_latest(self, waiting: dict[CameraStream, T], frames: Mapping[CameraStream, T]) -> None:
        for camera in frames:
            if self._closed or camera in waiting:
                camera.statistics.count_dropped()
        if not self._closed:
            waiting.update(frames)

    def _notify_if_work(self) -> None:
        """Wakes a thread if there is a task for one more. Not for what a thread submits that asks for a task itself:
        two would be in each other's way."""
        if self._seconds_to_batch() is not None or self._may_publish() or self._to_decode():
            self._changed.notify()

    def _take_task(self) -> DecodeTask | InferTask | PublishTask | None:
        if self._seconds_to_batch() == 0:
            batch = [
                *islice((camera for camera in self._round_robin if camera in self._decoded), self._max_batch_size())
            ]
            self._round_robin = [camera for camera in self._round_robin if camera not in batch] + batch
            self._inferring = True
            return InferTask({camera: self._decoded.pop(camera) for camera in batch})
        if self._may_publish():
            self._publishing = True
            return PublishTask(self._results.popleft())
        if cameras := self._to_decode():
            self._decoding = True
            return DecodeTask({camera: self._frames.pop(camera) for camera in cameras})
        return None

    def _seconds_to_batch(self) -> float | None:
        """Seconds until the next batch may be inferred; None while that depends on another thread."""
        if not self._decoded or self._inferring or (self._results and self._publishing):
            return None
        oldest = min(self._decoded.values(), key=lambda frame: frame.received)
        if not oldest.settings.batch_wait or self._batch_is_full(oldest.settings.camera_timeout):
            return 0.0
        return max(0.0, oldest.received + oldest.settings.batch_wait - time.monotonic())

    def _batch_is_full(self, camera_timeout: float) -> bool:
        """Whether no further frame may join the next batch."""
        alive = sum(camera.statistics.since_last_image <= camera_timeout for camera in self._round_robin)
        return len(self._decoded) >= min(self._max_batch_size(), alive)

    def _may_publish(self) -> bool:
        return bool(self._results) and not self._publishing

    def _to_decode(self) -> list[CameraStream]:
        """The cameras that have a frame to decode, of those whose turn is next; none while another thread decodes."""
        if self._decoding:
            return []
        waiting = (camera for camera in self._round_robin if camera in self._frames or camera in self._decoded)
        return [camera for camera in islice(waiting, self._max_batch_size()) if camera in self._frames]
