"""Decoding, inference and publishing do not wait for each other, and every frame is accounted for."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest

from mpn_ros.decoding.raw import DecodedImage
from mpn_ros.scene import Scene
from mpn_ros.serving.frames import Decoded, Frame
from mpn_ros.serving.statistics import Counters
from mpn_ros.serving.worker import Worker


def wait_for(condition, timeout=5.):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, 'waited in vain'
        time.sleep(.002)


class Source:
    """A camera whose messages are numbers; remembers what was decoded and published."""

    silent = False

    def __init__(self, name=''):
        self.name, self.counters = name, Counters()
        self.decoded, self.published = [], []
        self.decoders, self.publishers = [], []
        self.may_publish = threading.Event()
        self.may_publish.set()

    def decode(self, frame):
        self.decoded.append(frame.data)
        self.decoders.append(threading.get_ident())
        picture = DecodedImage(np.full((1, 1, 3), frame.data, np.uint8), 'rgb')
        return Decoded(frame.data, picture, frame.received, frame.received, 0.)

    def publish(self, decoded, scene):
        assert self.may_publish.wait(5)
        assert decoded.header == scene.mask
        self.published.append(scene.mask)
        self.publishers.append(threading.get_ident())


class Gate:
    """An inference that waits to be let through, batch by batch, and answers with the pictures' values."""

    lost = ''

    def __init__(self, largest_batch=8):
        self.largest_batch = largest_batch
        self.batches, self.threads, self._turns = [], [], threading.Semaphore(0)

    def let(self, batches=1):
        self._turns.release(batches)

    def __call__(self, pictures):
        self.batches.append([int(picture.array[0, 0, 0]) for picture in pictures])
        self.threads.append(threading.get_ident())
        assert self._turns.acquire(timeout=5)
        return [Scene((), number, (1, 1)) for number in self.batches[-1]]

    def close(self):
        pass


@pytest.fixture
def gate():
    return Gate()


@contextmanager
def working(gate, patience=0.):
    worker = Worker(gate, lambda sentence: None, lambda: patience)
    yield worker
    gate.let(100)
    worker.stop()


@pytest.fixture
def worker(gate):
    with working(gate) as worker:
        yield worker


def send(worker, source, *numbers):
    for number in numbers:
        worker.offer(source, Frame(number, time.monotonic()))


def wait_until_ready(worker, source, number):
    """That frame is decoded, and inference could take it."""
    ready = worker._agenda._decoded
    wait_for(lambda: (decoded := ready.get(source)) is not None and decoded.header == number)


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


def test_a_frame_that_need_not_wait_stays_in_one_thread(worker, gate):
    source = Source()
    gate.let(9)
    for number in (1, 2, 3):
        send(worker, source, number)
        wait_for(lambda: source.counters.snapshot().under_way == 0)
    assert source.decoders == gate.threads == source.publishers and len(gate.threads) == 3


def test_inference_that_has_more_to_do_leaves_publishing_to_another_thread(worker, gate):
    source = Source()
    send(worker, source, 1)
    wait_for(lambda: gate.batches == [[1]])
    send(worker, source, 2)
    wait_for(lambda: worker._agenda._decoded)
    gate.let()
    wait_for(lambda: source.published == [1])
    assert gate.threads[0] == gate.threads[1] != source.publishers[0]


def test_inference_waits_for_publishing_that_has_fallen_behind(worker, gate):
    source = Source()
    source.may_publish.clear()
    gate.let(9)
    for number in (1, 2):
        send(worker, source, number)
        wait_for(lambda number=number: gate.batches[-1:] == [[number]])
    for number in (3, 4):
        send(worker, source, number)
        wait_until_ready(worker, source, number)
    time.sleep(.05)
    assert gate.batches == [[1], [2]]
    source.may_publish.set()
    wait_for(lambda: source.published == [1, 2, 4])
    assert source.counters.snapshot().dropped == 1


def test_a_decoded_frame_that_waits_is_overtaken_by_a_newer_one(worker, gate):
    source = Source()
    send(worker, source, 1)
    wait_for(lambda: gate.batches)
    for number in (2, 3, 4):
        send(worker, source, number)
        wait_until_ready(worker, source, number)
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
    wait_until_ready(worker, left, 2)
    wait_until_ready(worker, right, 3)
    gate.let(2)
    wait_for(lambda: (left.published, right.published) == ([1, 2], [3]))
    assert gate.batches == [[1], [3, 2]]


def test_no_more_are_taken_at_once_than_the_backend_gains_from_and_sources_take_turns():
    gate, (left, right, rear) = Gate(largest_batch=1), (Source(name) for name in ('left', 'right', 'rear'))
    with working(gate) as worker:
        send(worker, left, 1)
        wait_for(lambda: gate.batches == [[1]])
        for number, source in enumerate((left, right, right, rear, rear), 2):
            send(worker, source, number)
            wait_until_ready(worker, source, number)
        send(worker, left, 7)
        gate.let(2)
        wait_until_ready(worker, left, 7)
        gate.let()
        wait_for(lambda: gate.batches[3:] == [[7]])
        send(worker, right, 8)
        send(worker, rear, 9)
        wait_until_ready(worker, rear, 9)  # else 8 may be all that is there
        gate.let(9)
        wait_for(lambda: right.published == [4, 8] and left.published == [1, 7])
    assert gate.batches == [[1], [6], [4], [7], [9], [8]], 'not the newest of who has waited longest'


def test_what_is_overtaken_before_its_turn_is_not_decoded():
    gate, left, right = Gate(largest_batch=1), Source('left'), Source('right')
    with working(gate) as worker:
        send(worker, left, 1)
        wait_for(lambda: gate.batches == [[1]])
        send(worker, right, 2)
        wait_until_ready(worker, right, 2)
        send(worker, left, *range(3, 30))
        gate.let(2)
        wait_for(lambda: gate.batches[2:] == [[29]])
    assert left.decoded == [1, 29]


def test_a_batch_waits_for_further_sources():
    gate, left, right = Gate(), Source('left'), Source('right')
    with working(gate, patience=60.) as worker:
        gate.let(9)
        send(worker, left, 1)
        wait_for(lambda: gate.batches == [[1]])  # nobody else has ever sent
        send(worker, right, 2)
        wait_for(lambda: right.decoded)
        assert not right.published
        send(worker, left, 3)
        wait_for(lambda: left.published == [1, 3] and right.published == [2])
        left.silent = True
        send(worker, right, 4)
        wait_for(lambda: right.published == [2, 4])
    assert gate.batches == [[1], [2, 3], [4]]


def test_a_batch_waits_no_longer_than_it_may():
    gate, left, right = Gate(), Source('left'), Source('right')
    with working(gate, patience=.2) as worker:
        gate.let(9)
        send(worker, left, 1)
        wait_for(lambda: gate.batches == [[1]])
        sent = time.monotonic()
        send(worker, right, 2)
        wait_for(lambda: right.published == [2])
        assert .2 <= time.monotonic() - sent < 2


def test_nothing_waits_where_batches_gain_nothing():
    gate, left, right = Gate(largest_batch=1), Source('left'), Source('right')
    with working(gate, patience=60.) as worker:
        gate.let(9)
        for number, source in enumerate((left, right, left)):
            send(worker, source, number)
            wait_for(lambda number=number, source=source: source.published[-1:] == [number])


def test_stop_ends_the_wait_for_a_batch():
    gate, left, right = Gate(), Source('left'), Source('right')
    with working(gate, patience=60.) as worker:
        gate.let(9)
        send(worker, left, 1)
        wait_for(lambda: left.published == [1])
        send(worker, right, 2)
        wait_for(lambda: right.decoded == [2])
    assert right.counters.snapshot().dropped == 1


def test_stop_answers_what_is_inferred_and_drops_what_waits(gate):
    source, worker = Source(), Worker(gate, lambda sentence: None, lambda: 0.)
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
    worker = Worker(gate, said.append, lambda: 0.)
    source.decode = lambda frame: fail('no such picture') if frame.data == 1 else Source.decode(source, frame)
    publish = source.publish
    source.publish = lambda decoded, scene: fail('nowhere') if scene.mask == 2 else publish(decoded, scene)
    gate.let(9)
    for number in (1, 2, 3):
        send(worker, source, number)
        wait_for(lambda: source.counters.snapshot().under_way == 0)
    worker.stop()
    assert source.published == [3] and source.counters.snapshot().failed == 2
    assert 'no such picture' in said[0] and 'nowhere' in said[1]


def fail(why):
    raise ValueError(why)
