"""Decoding, inference and publishing do not wait for each other, and every frame is accounted for."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from mpn_ros.ros.counters import Counters
from mpn_ros.ros.image import Picture
from mpn_ros.ros.worker import Frame, Worker


def wait_for(condition, timeout=5.):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, 'waited in vain'
        time.sleep(.002)


class Source:
    """A camera whose messages are numbers; remembers what was decoded and published."""

    def __init__(self, name=''):
        self.name, self.counters = name, Counters()
        self.decoded, self.published = [], []
        self.may_publish = threading.Event()
        self.may_publish.set()

    def decode(self, message):
        self.decoded.append(message)
        return Picture(np.full((1, 1, 3), message, np.uint8), 'rgb')

    def publish(self, frame, picture, scene):
        assert self.may_publish.wait(5)
        assert frame.message == scene
        self.published.append(scene)
        self.counters.answer(0., 0., 0)


class Gate:
    """An inference that waits to be let through, batch by batch, and answers with the pictures' values."""

    lost = ''

    def __init__(self):
        self.batches, self._turns = [], threading.Semaphore(0)

    def let(self, batches=1):
        self._turns.release(batches)

    def __call__(self, pictures):
        self.batches.append([int(picture.array[0, 0, 0]) for picture in pictures])
        assert self._turns.acquire(timeout=5)
        return self.batches[-1]


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
def worker(gate):
    worker = Worker(gate, lambda sentence: None)
    yield worker
    gate.let(100)
    worker.stop()


def send(worker, source, *numbers):
    for number in numbers:
        worker.offer(source, Frame(number, time.monotonic()))


def test_the_next_frame_is_decoded_while_one_is_inferred(worker, gate):
    source = Source()
    send(worker, source, 1)
    wait_for(lambda: gate.batches == [[1]])
    send(worker, source, 2)
    wait_for(lambda: source.decoded == [1, 2])
    assert not source.published
    gate.let(2)
    wait_for(lambda: source.published == [1, 2])


def test_the_next_batch_is_inferred_while_an_answer_is_published(worker, gate):
    source = Source()
    source.may_publish.clear()
    gate.let()
    send(worker, source, 1)
    wait_for(lambda: gate.batches == [[1]])
    send(worker, source, 2)
    wait_for(lambda: gate.batches == [[1], [2]])
    assert not source.published
    source.may_publish.set()
    wait_for(lambda: source.published == [1])


def test_a_decoded_frame_that_waits_is_overtaken_by_a_newer_one(worker, gate):
    source = Source()
    send(worker, source, 1)
    wait_for(lambda: gate.batches)
    for number in (2, 3, 4):
        send(worker, source, number)
        wait_for(lambda number=number: source.decoded[-1] == number)
    gate.let(2)
    wait_for(lambda: source.published == [1, 4])
    snapshot = source.counters.snapshot()
    assert (snapshot.received, snapshot.answered, snapshot.dropped, snapshot.under_way) == (4, 2, 2, 0)


def test_frames_of_several_cameras_that_are_there_are_one_batch(worker, gate):
    left, right = Source('left'), Source('right')
    send(worker, left, 1)
    wait_for(lambda: gate.batches)
    send(worker, left, 2)
    send(worker, right, 3)
    wait_for(lambda: left.decoded == [1, 2] and right.decoded == [3])
    gate.let(2)
    wait_for(lambda: (left.published, right.published) == ([1, 2], [3]))
    assert gate.batches == [[1], [2, 3]]


def test_stop_answers_what_is_inferred_and_drops_what_waits(gate):
    source, worker = Source(), Worker(gate, lambda sentence: None)
    send(worker, source, 1)
    wait_for(lambda: gate.batches)
    send(worker, source, 2)
    wait_for(lambda: source.decoded == [1, 2])
    stopping = threading.Thread(target=worker.stop)
    stopping.start()
    wait_for(lambda: source.counters.snapshot().dropped == 1)
    gate.let()
    stopping.join(5)
    assert not stopping.is_alive() and source.published == [1]
    send(worker, source, 3)
    snapshot = source.counters.snapshot()
    assert (snapshot.received, snapshot.answered, snapshot.dropped) == (3, 1, 2)


def test_what_cannot_be_decoded_or_published_costs_no_other(gate):
    source, said = Source(), []
    worker = Worker(gate, said.append)
    source.decode = lambda message: fail('no such picture') if message == 1 else Source.decode(source, message)
    publish = source.publish
    source.publish = lambda frame, *rest: fail('nowhere') if frame.message == 2 else publish(frame, *rest)
    gate.let(9)
    for number in (1, 2, 3):
        send(worker, source, number)
        wait_for(lambda: source.counters.snapshot().under_way == 0)
    worker.stop()
    assert source.published == [3] and source.counters.snapshot().failed == 2
    assert 'no such picture' in said[0] and 'nowhere' in said[1]


def fail(why):
    raise ValueError(why)
