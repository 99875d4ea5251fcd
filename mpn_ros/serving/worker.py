"""The threads that answer: always the newest frame of each camera, in turn, as many at once as the backend gains from.
While one batch is inferred the frames after it are decoded and the results before it are published."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from mpn_ros.errors import ImageError, MpnError
from mpn_ros.serving.frames import CameraStream, DecodedFrame, Frame
from mpn_ros.serving.inference import Inference, Request
from mpn_ros.serving.scheduler import BatchResult, DecodeTask, FrameScheduler, InferTask, PublishTask


class Worker:
    """Answers the frames of ``cameras`` until it is stopped. ``log_error`` gets a sentence for every frame that a fault
    leaves without an answer.

    Three threads share one scheduler, so that a frame changes hands only where it must wait: a thread that has decoded
    goes on to infer and to publish unless another does. A backend that is bound to one thread infers in its own.
    """

    def __init__(self, cameras: Sequence[CameraStream], infer: Inference, log_error: Callable[[str], None]) -> None:
        self._infer, self._log_error = infer, log_error
        self._scheduler = FrameScheduler(cameras, lambda: infer.max_batch_size)
        self._busy_since = math.inf
        self._threads = [threading.Thread(target=self._work, name=f'pose {number}', daemon=True) for number in range(3)]
        for thread in self._threads:
            thread.start()

    def submit(self, camera: CameraStream, frame: Frame) -> None:
        """Enqueues a frame to be answered; one of the same camera that still waits is dropped. Never blocks on
        inference."""
        camera.statistics.count_received()
        self._scheduler.submit(camera, frame)
        os.sched_yield()  # gives the interpreter to the thread that takes the frame

    @property
    def busy(self) -> float:
        """Seconds since inference took the frames that it works on; 0 while it waits for frames."""
        return max(0.0, time.monotonic() - self._busy_since)

    @property
    def fatal_error(self) -> str:
        """Why no frame can be answered any more; empty as long as frames can."""
        return self._infer.fatal_error

    def stop(self) -> None:
        """Ends the threads after the frames that they work on; those that wait for decoding or inference are
        dropped."""
        self._scheduler.close()
        for thread in self._threads:
            thread.join()
        self._infer.close()

    def _work(self) -> None:
        while (task := self._scheduler.next_task()) is not None:
            match task:
                case DecodeTask(frames):
                    self._scheduler.submit_decoded(self._decode(frames))
                case InferTask(frames):
                    self._scheduler.submit_results(self._run_inference(frames))
                case PublishTask(batch):
                    self._publish(batch)
                    self._scheduler.finish_publishing()

    def _decode(self, frames: Mapping[CameraStream, Frame]) -> dict[CameraStream, DecodedFrame]:
        decoded = {}
        for camera, frame in frames.items():
            try:
                decoded[camera] = camera.decode(frame)
            except ImageError as error:
                self._handle_fault(camera, camera.statistics.count_malformed, 'image dropped', error)
            except Exception as error:  # whatever a message does to the decoder, the next one gets its turn
                self._handle_fault(camera, camera.statistics.count_failed, 'image not decoded', error)
        return decoded

    def _run_inference(self, frames: Mapping[CameraStream, DecodedFrame]) -> BatchResult:
        self._busy_since = began = time.monotonic()
        results = self._infer([Request(frame.image, camera.expected(frame)) for camera, frame in frames.items()])
        self._busy_since = math.inf
        return BatchResult(frames, results, began, time.monotonic() - began)

    def _publish(self, batch: BatchResult) -> None:
        for (camera, frame), result in zip(batch.frames.items(), batch.results, strict=True):
            if isinstance(result, Exception):
                self._handle_fault(camera, camera.statistics.count_failed, 'image not answered', result)
                continue
            start = time.monotonic()
            try:
                result = camera.track(frame, result)
                tracked = time.monotonic()
                camera.publish(frame, result)
            except Exception as error:
                self._handle_fault(camera, camera.statistics.count_failed, 'answer not published', error)
            else:
                now = time.monotonic()
                latency = now - frame.received
                camera.statistics.count_windows(result.windows, result.broken_windows)
                camera.statistics.count_answered(
                    len(result.people),
                    {
                        'latency': latency,
                        'wait': batch.began - frame.received - frame.decode_seconds,
                        'decode': frame.decode_seconds,
                        'inference': batch.seconds,
                        'second_look': result.refine_seconds,
                        'tracking': tracked - start,
                        'publish': now - tracked,
                        'overhead': latency - batch.seconds,
                        'stamp_to_inference': batch.began - frame.stamped,
                        'age': now - frame.stamped,
                    },
                )

    def _handle_fault(self, camera: CameraStream, count: Callable[[str], None], what: str, error: Exception) -> None:
        reason = str(error) if isinstance(error, MpnError) else f'{type(error).__name__}: {error}'
        count(reason)
        self._log_error(f'{what}{f" of camera {camera.name}" if camera.name else ""}: {reason}')
