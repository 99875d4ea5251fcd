"""Decoding, inference and publishing do not wait for each other, and every frame is accounted for."""

from __future__ import annotations

import threading
from contextlib import contextmanager

import pytest

from mpn_ros.result import PoseResult
from mpn_ros.serving.worker import Worker


class Gate:
    """An inference that waits to be let through, batch by batch, and answers with the images' values."""

    fatal_error = ''

    def __init__(self, max_batch_size=8):
        self.max_batch_size = max_batch_size
        self.batches, self.threads, self._turns = [], [], threading.Semaphore(0)

    def let(self, batches=1):
        self._turns.release(batches)

    def __call__(self, requests):
        self.batches.append([int(request.image.array[0, 0, 0]) for request in requests])
        self.threads.append(threading.get_ident())
        assert self._turns.acquire(timeout=60)
        return [PoseResult((), number, (1, 1)) for number in self.batches[-1]]

    def close(self):
        pass


@pytest.fixture
def gate():
    return Gate()


@contextmanager
def working(gate, *cameras):
    worker = Worker(cameras, gate, lambda sentence: None)
    yield worker
    gate.let(100)
    worker.stop()


@pytest.fixture
def front(camera):
    return camera('front')


@pytest.fixture
def worker(gate, front):
    with working(gate, front) as worker:
        yield worker


@pytest.fixture
def send(frame):
    def send(worker, camera, *numbers, **settings):
        for number in numbers:
            worker.submit(camera, frame(number, **settings))

    return send


@pytest.fixture
def until_ready(until):
    """Waits until that frame is decoded, and inference could take it."""

    def wait(worker, camera, number):
        ready = worker._scheduler._decoded
        until(lambda: (decoded := ready.get(camera)) is not None and decoded.header == number)

    return wait


def test_the_next_frame_is_decoded_while_one_is_inferred(worker, front, gate, send, until):
    send(worker, front, 1)
    until(lambda: gate.batches == [[1]])
    send(worker, front, 2)
    until(lambda: front.decoded == [1, 2])
    assert not front.published
    gate.let(2)
    until(lambda: front.published == [1, 2])


def test_the_next_batch_is_inferred_while_a_result_is_published(worker, front, gate, send, until):
    front.may_publish.clear()
    gate.let()
    send(worker, front, 1)
    until(lambda: gate.batches == [[1]])
    send(worker, front, 2)
    until(lambda: gate.batches == [[1], [2]])
    assert not front.published
    front.may_publish.set()
    until(lambda: front.published == [1])


def test_a_frame_that_need_not_wait_stays_in_one_thread(worker, front, gate, send, until):
    gate.let(9)
    for number in (1, 2, 3):
        send(worker, front, number)
        until(lambda: front.statistics.snapshot().under_way == 0)
    assert front.decoders == gate.threads == front.publishers and len(gate.threads) == 3


def test_inference_that_has_more_to_do_leaves_publishing_to_another_thread(worker, front, gate, send, until):
    send(worker, front, 1)
    until(lambda: gate.batches == [[1]])
    send(worker, front, 2)
    until(lambda: worker._scheduler._decoded)
    gate.let()
    until(lambda: front.published == [1])
    until(lambda: len(gate.threads) == 2)
    assert gate.threads[0] == gate.threads[1] != front.publishers[0]


def test_publishing_that_has_fallen_behind_costs_only_frames_that_are_overtaken(
    worker, front, gate, send, until, until_ready
):
    front.may_publish.clear()
    gate.let(9)
    for number in (1, 2):
        send(worker, front, number)
        until(lambda number=number: gate.batches[-1:] == [[number]])
    for number in (3, 4):
        send(worker, front, number)
        until_ready(worker, front, number)
    front.may_publish.set()
    until(lambda: front.published == [1, 2, 4])
    assert front.statistics.snapshot().dropped == 1


def test_a_decoded_frame_that_waits_is_overtaken_by_a_newer_one(worker, front, gate, send, until, until_ready):
    send(worker, front, 1)
    until(lambda: gate.batches)
    for number in (2, 3, 4):
        send(worker, front, number)
        until_ready(worker, front, number)
    gate.let(2)
    until(lambda: front.published == [1, 4] and front.statistics.snapshot().under_way == 0)
    snapshot = front.statistics.snapshot()
    assert (snapshot.received, snapshot.answered, snapshot.dropped) == (4, 2, 2)


def test_frames_of_several_cameras_that_are_there_are_one_batch(gate, camera, send, until, until_ready):
    left, right = camera('left'), camera('right')
    with working(gate, left, right) as worker:
        send(worker, left, 1)
        until(lambda: gate.batches)
        send(worker, left, 2)
        send(worker, right, 3)
        until_ready(worker, left, 2)
        until_ready(worker, right, 3)
        gate.let(2)
        until(lambda: (left.published, right.published) == ([1, 2], [3]))
    assert gate.batches == [[1], [3, 2]]


def test_what_is_overtaken_before_its_turn_is_not_decoded(camera, send, until, until_ready):
    gate, left, right = Gate(max_batch_size=1), camera('left'), camera('right')
    with working(gate, left, right) as worker:
        send(worker, left, 1)
        until(lambda: gate.batches == [[1]])
        send(worker, right, 2)
        until_ready(worker, right, 2)
        send(worker, left, *range(3, 30))
        gate.let(2)
        until(lambda: gate.batches[2:] == [[29]])
    assert left.decoded == [1, 29]


def test_threads_wake_when_a_batch_may_wait_no_longer(gate, camera, send, until):
    left, right = camera('left'), camera('right')
    with working(gate, left, right) as worker:
        gate.let(9)
        send(worker, left, 1, batch_wait=0.05, camera_timeout=3600.0)
        until(lambda: left.published == [1])
        send(worker, right, 2, batch_wait=0.05, camera_timeout=3600.0)
        until(lambda: right.published == [2])
    assert gate.batches == [[1], [2]]


def test_stop_ends_the_wait_for_a_batch(gate, camera, send, until):
    left, right = camera('left'), camera('right')
    with working(gate, left, right) as worker:
        send(worker, right, 2, age=-3600.0, batch_wait=1.0, camera_timeout=3600.0)
        until(lambda: right.decoded == [2])
    assert right.statistics.snapshot().dropped == 1 and not gate.batches


def test_stop_answers_what_is_inferred_and_drops_what_waits(gate, front, send, until):
    worker = Worker([front], gate, lambda sentence: None)
    send(worker, front, 1)
    until(lambda: gate.batches)
    send(worker, front, 2)
    until(lambda: front.decoded == [1, 2])
    stopping = threading.Thread(target=worker.stop)
    stopping.start()
    until(lambda: front.statistics.snapshot().dropped == 1)
    gate.let()
    stopping.join(60)
    assert not stopping.is_alive() and front.published == [1]
    send(worker, front, 3)
    snapshot = front.statistics.snapshot()
    assert (snapshot.received, snapshot.answered, snapshot.dropped) == (3, 1, 2)


@pytest.mark.parametrize(
    'step, says',
    [('decode', 'image not decoded'), ('track', 'answer not published'), ('publish', 'answer not published')],
)
def test_what_fails_for_one_frame_costs_no_other(gate, front, send, until, monkeypatch, step, says):
    said, work = [], getattr(front, step)

    def fail_once(*args):
        monkeypatch.setattr(front, step, work)
        raise ValueError('no way')

    worker = Worker([front], gate, said.append)
    monkeypatch.setattr(front, step, fail_once)
    gate.let(9)
    for number in (1, 2):
        send(worker, front, number)
        until(lambda: front.statistics.snapshot().under_way == 0)
    worker.stop()
    assert front.published == [2] and front.statistics.snapshot().failed == 1
    assert said == [f'{says} of camera front: ValueError: no way']


def test_tracking_is_timed_apart_from_publishing(gate, front, send, until, monkeypatch):
    times = []
    monkeypatch.setattr(front.statistics, 'count_answered', lambda people, seconds: times.append(seconds))
    track, publish, began = front.track, front.publish, threading.Event()

    def slow_track(*args):
        began.wait(0.05)  # nobody sets it
        return track(*args)

    monkeypatch.setattr(front, 'track', slow_track)
    monkeypatch.setattr(front, 'publish', publish)
    gate.let(9)
    worker = Worker([front], gate, lambda sentence: None)
    send(worker, front, 1)
    until(lambda: times)
    worker.stop()
    assert times[0]['tracking'] >= 0.05
    parts = sum(times[0][part] for part in ('wait', 'decode', 'inference', 'tracking', 'publish'))
    assert parts <= times[0]['latency']
