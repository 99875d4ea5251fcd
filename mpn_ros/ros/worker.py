"""The thread that answers: always the newest frame of each camera, all that are there as one batch, never waiting for
one more."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from mpn_ros.errors import ImageError, MpnError
from mpn_ros.ros.counters import Counters
from mpn_ros.ros.image import Picture
from mpn_ros.ros.inference import Inference
from mpn_ros.scene import Scene


class Frame(NamedTuple):
    """An image message and the monotonic time in seconds at which it came."""

    message: Any
    received: float


class Source(Protocol):
    """Where frames come from and answers go: a camera."""

    name: str
    counters: Counters

    def decode(self, message: Any) -> Picture:
        """The picture in a message; raises ImageError."""

    def publish(self, frame: Frame, picture: Picture, scene: Scene) -> None:
        """Sends the answer and counts it."""


class Worker:
    """Answers frames until it is stopped. ``report(sentence)`` hears of every frame that gets no answer for a fault."""

    def __init__(self, infer: Inference, report: Callable[[str], None]) -> None:
        self._infer, self._report = infer, report
        self._wake = threading.Condition()
        self._newest: dict[Source, Frame] = {}
        self._stopping = False
        self._busy_since = math.inf
        self._thread = threading.Thread(target=self._run, name='pose worker', daemon=True)
        self._thread.start()

    def offer(self, source: Source, frame: Frame) -> None:
        """Leaves a frame to be answered; one of the same source that still waits is dropped. Never blocks on
        inference."""
        source.counters.receive()
        with self._wake:
            if self._stopping or source in self._newest:
                source.counters.drop()
            if not self._stopping:
                self._newest[source] = frame
                self._wake.notify()

    @property
    def busy(self) -> float:
        """Seconds since it took the frames that it works on; 0 while it waits for one."""
        return max(0., time.monotonic() - self._busy_since)

    @property
    def lost(self) -> str:
        """Why no frame will be answered any more; empty as long as frames may be."""
        return self._infer.lost

    def stop(self) -> None:
        """Ends the thread after the frames that it works on; those that wait are dropped."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join()
        for source in self._newest:
            source.counters.drop()
        self._newest = {}

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._newest or self._stopping)
                if self._stopping:
                    return
                frames, self._newest = self._newest, {}
            self._busy_since = time.monotonic()
            self._answer(frames)
            self._busy_since = math.inf

    def _answer(self, frames: dict[Source, Frame]) -> None:
        pictures = {}
        for source, frame in frames.items():
            source.counters.spend('wait', self._busy_since - frame.received)
            try:
                with source.counters.timed('decode'):
                    pictures[source] = source.decode(frame.message)
            except ImageError as error:
                self._fault(source, source.counters.malform, 'image dropped', error)
            except Exception as error:  # whatever a message does to the decoder, the next one gets its turn
                self._fault(source, source.counters.fail, 'image not decoded', error)
        start = time.monotonic()
        scenes = self._infer(list(pictures.values()))
        inference = time.monotonic() - start
        for (source, picture), scene in zip(pictures.items(), scenes, strict=True):
            if isinstance(scene, Exception):
                self._fault(source, source.counters.fail, 'image not answered', scene)
                continue
            source.counters.spend('inference', inference)
            try:
                with source.counters.timed('publish'):
                    source.publish(frames[source], picture, scene)
            except Exception as error:
                self._fault(source, source.counters.fail, 'answer not published', error)

    def _fault(self, source: Source, count: Callable[[str], None], what: str, error: Exception) -> None:
        why = str(error) if isinstance(error, MpnError) else f'{type(error).__name__}: {error}'
        count(why)
        self._report(f"{what}{f' of camera {source.name}' if source.name else ''}: {why}")
