"""The threads that answer: always the newest frame of each camera, in turn, as many at once as the backend gains from.
While one batch is inferred the frames after it are decoded and the answers before it are published."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Mapping

from mpn_ros.errors import ImageError, MpnError
from mpn_ros.serving.frames import Decoded, Frame, Source
from mpn_ros.serving.inference import Inference
from mpn_ros.serving.scheduler import Agenda, Answered, ToDecode, ToInfer, ToPublish


class Worker:
    """Answers frames until it is stopped. ``report(sentence)`` hears of every frame that gets no answer for a fault;
    ``patience()`` is that of ``Agenda``.

    Three threads do what is next on one agenda, so that a frame changes hands only where it must wait: a thread that
    has decoded goes on to infer and to publish unless another does.
    """

    def __init__(self, infer: Inference, report: Callable[[str], None], patience: Callable[[], float]) -> None:
        self._infer, self._report = infer, report
        self._agenda = Agenda(lambda: infer.largest_batch, patience)
        self._busy_since = math.inf
        self._threads = [threading.Thread(target=self._work, name=f'pose {number}', daemon=True) for number in range(3)]
        for thread in self._threads:
            thread.start()

    def offer(self, source: Source, frame: Frame) -> None:
        """Leaves a frame to be answered; one of the same source that still waits is dropped. Never blocks on
        inference."""
        source.counters.receive()
        self._agenda.put(source, frame)
        os.sched_yield()  # whoever takes it would wait for the interpreter until this thread has no more to do

    @property
    def busy(self) -> float:
        """Seconds since inference took the frames that it works on; 0 while it waits for frames."""
        return max(0., time.monotonic() - self._busy_since)

    @property
    def lost(self) -> str:
        """Why no frame will be answered any more; empty as long as frames may be."""
        return self._infer.lost

    def stop(self) -> None:
        """Ends the threads after the frames that they work on; those that wait for decoding or inference are
        dropped."""
        self._agenda.close()
        for thread in self._threads:
            thread.join()
        self._infer.close()

    def _work(self) -> None:
        while (task := self._agenda.take()) is not None:
            match task:
                case ToDecode(frames):
                    self._agenda.put_decoded(self._decode(frames))
                case ToInfer(decoded):
                    self._agenda.put_answered(self._answer(decoded))
                case ToPublish(answered):
                    self._publish(answered)
                    self._agenda.published()

    def _decode(self, frames: Mapping[Source, Frame]) -> dict[Source, Decoded]:
        decoded = {}
        for source, frame in frames.items():
            try:
                decoded[source] = source.decode(frame)
            except ImageError as error:
                self._fault(source, source.counters.malform, 'image dropped', error)
            except Exception as error:  # whatever a message does to the decoder, the next one gets its turn
                self._fault(source, source.counters.fail, 'image not decoded', error)
        return decoded

    def _answer(self, decoded: Mapping[Source, Decoded]) -> Answered:
        self._busy_since = began = time.monotonic()
        scenes = self._infer([one.picture for one in decoded.values()])
        self._busy_since = math.inf
        return Answered(decoded, scenes, began, time.monotonic() - began)

    def _publish(self, answered: Answered) -> None:
        for (source, decoded), scene in zip(answered.decoded.items(), answered.scenes, strict=True):
            if isinstance(scene, Exception):
                self._fault(source, source.counters.fail, 'image not answered', scene)
                continue
            start = time.monotonic()
            try:
                source.publish(decoded, scene)
            except Exception as error:
                self._fault(source, source.counters.fail, 'answer not published', error)
            else:
                now = time.monotonic()
                latency = now - decoded.received
                source.counters.answer(len(scene.people), {
                    'latency': latency, 'wait': answered.began - decoded.received - decoded.seconds,
                    'decode': decoded.seconds, 'inference': answered.seconds, 'publish': now - start,
                    'overhead': latency - answered.seconds,
                    'served': answered.began - decoded.stamped, 'age': now - decoded.stamped})

    def _fault(self, source: Source, count: Callable[[str], None], what: str, error: Exception) -> None:
        why = str(error) if isinstance(error, MpnError) else f'{type(error).__name__}: {error}'
        count(why)
        self._report(f"{what}{f' of camera {source.name}' if source.name else ''}: {why}")
