"""Cameras for the scheduler and the worker, whose messages are numbers."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from mpn_ros.decoding.raw import DecodedImage
from mpn_ros.parameters import Parameters
from mpn_ros.serving.frames import DecodedFrame, Frame
from mpn_ros.serving.statistics import FrameStatistics


class StubCamera:
    """Remembers what was decoded, tracked and published, and in which thread."""

    def __init__(self, name=''):
        self.name, self.statistics = name, FrameStatistics()
        self.decoded, self.tracked, self.published = [], [], []
        self.decoders, self.publishers = [], []
        self.may_publish = threading.Event()
        self.may_publish.set()

    def decode(self, frame):
        self.decoded.append(frame.data)
        self.decoders.append(threading.get_ident())
        image = DecodedImage(np.full((1, 1, 3), frame.data, np.uint8), 'rgb')
        return DecodedFrame(frame.data, image, frame.received, frame.received, 0.0, frame.settings)

    def expected(self, frame):
        return None

    def track(self, frame, result):
        assert frame.header == result.mask
        self.tracked.append(result.mask)
        return result

    def publish(self, frame, result):
        assert self.may_publish.wait(60)
        assert frame.header == result.mask == self.tracked[-1]
        self.published.append(result.mask)
        self.publishers.append(threading.get_ident())


def make_frame(number: int, age: float = 0.0, **settings) -> Frame:
    return Frame(number, time.monotonic() - age, Parameters(**settings))


@pytest.fixture
def camera() -> type[StubCamera]:
    return StubCamera


@pytest.fixture
def frame():
    """``frame(number, age, **settings)``: a frame that came ``age`` seconds ago."""
    return make_frame
