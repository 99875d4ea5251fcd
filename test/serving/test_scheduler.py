"""What comes next, asked by one thread: the newest frame of each camera, in turn, in batches that wait as they may."""

from __future__ import annotations

import pytest

from mpn_ros.serving.scheduler import BatchResult, DecodeTask, FrameScheduler, InferTask, PublishTask

PATIENT = {'batch_wait': 1.0, 'camera_timeout': 3600.0}
FUTURE = -3600.0
"""The age of a frame whose batch waits as long as the test runs."""


class Robot:
    """A scheduler and its cameras; the test does the tasks."""

    def __init__(self, make, frame, names, max_batch_size):
        self.cameras = {name: make(name) for name in names}
        self._frame = frame
        self.scheduler = FrameScheduler(list(self.cameras.values()), lambda: max_batch_size)

    def send(self, name, number, age=0.0, **settings):
        camera = self.cameras[name]
        camera.statistics.count_received()
        self.scheduler.submit(camera, self._frame(number, age, **settings))

    def next(self):
        """The task that a thread would get now; None where it would wait."""
        return self.scheduler._take_task()

    def decode(self):
        """Does the task that is next, which is to decode: the numbers."""
        task = self.next()
        assert isinstance(task, DecodeTask)
        self.scheduler.submit_decoded({camera: camera.decode(frame) for camera, frame in task.frames.items()})
        return [frame.data for frame in task.frames.values()]

    def infer(self):
        """Takes the task that is next, which is to infer: the numbers. ``finish`` ends it."""
        task = self.next()
        assert isinstance(task, InferTask)
        self._inferred = task.frames
        return [frame.header for frame in task.frames.values()]

    def finish(self):
        self.scheduler.submit_results(BatchResult(self._inferred, [None] * len(self._inferred), 0.0, 0.0))

    def dropped(self, name):
        return self.cameras[name].statistics.snapshot().dropped


@pytest.fixture
def robot(camera, frame):
    def make(*names, max_batch_size=8):
        return Robot(camera, frame, names, max_batch_size)

    return make


def test_a_newer_frame_replaces_one_that_waits_and_that_is_counted(robot):
    front = robot('front')
    front.send('front', 1)
    front.send('front', 2)
    assert front.decode() == [2] and front.dropped('front') == 1
    front.send('front', 3)
    assert front.infer() == [2]
    assert front.decode() == [3]
    front.send('front', 4)
    assert front.decode() == [4] and front.dropped('front') == 2
    front.finish()
    assert front.infer() == [4]


def test_inference_waits_for_publishing_that_has_fallen_behind(robot):
    front = robot('front')
    for number in (1, 2):
        front.send('front', number)
        front.decode()
        front.infer()
        front.finish()
        if number == 1:
            assert isinstance(front.next(), PublishTask)
    front.send('front', 3)
    front.decode()
    assert front.next() is None, 'the results of 2 wait, and those of 1 are not sent yet'
    front.scheduler.finish_publishing()
    assert front.infer() == [3], 'the backend is not left idle'
    assert isinstance(front.next(), PublishTask)


def test_cameras_take_turns(robot):
    both = robot('left', 'right', max_batch_size=1)
    both.send('left', 1)
    both.decode()
    both.infer()
    both.send('left', 2)
    both.send('right', 3)
    assert both.decode() == [3], 'left has just had its turn'
    assert both.next() is None, 'what may be overtaken before its turn is not decoded'
    both.finish()
    assert both.infer() == [3]
    assert isinstance(both.next(), PublishTask)
    assert both.decode() == [2]


@pytest.mark.parametrize('first, second', [('left', 'right'), ('right', 'left')])
def test_a_batch_waits_for_a_camera_that_has_never_sent(robot, first, second):
    both = robot('left', 'right')
    both.send(first, 1, FUTURE, **PATIENT)
    both.decode()
    assert both.next() is None
    both.send(second, 2, FUTURE, **PATIENT)
    both.decode()
    assert sorted(both.infer()) == [1, 2]


def test_a_batch_waits_no_longer_than_it_may(robot):
    both = robot('left', 'right')
    both.send('left', 1, age=1.1, **PATIENT)
    both.decode()
    assert both.infer() == [1]


def test_a_batch_waits_as_long_as_its_oldest_frame_may(robot):
    three = robot('left', 'right', 'rear')
    three.send('left', 1, age=1.1, **PATIENT)
    three.send('right', 2, FUTURE, **PATIENT)
    three.decode()
    assert sorted(three.infer()) == [1, 2]


def test_a_batch_waits_for_no_silent_camera(robot):
    both = robot('left', 'right')
    both.cameras['right'].statistics._last_image -= 10
    both.send('left', 1, FUTURE, batch_wait=1.0, camera_timeout=9.0)
    both.decode()
    assert both.infer() == [1]


def test_nothing_waits_where_batches_gain_nothing(robot):
    both = robot('left', 'right', max_batch_size=1)
    both.send('left', 1, FUTURE, **PATIENT)
    both.decode()
    assert both.infer() == [1]


def test_without_batch_wait_nothing_waits(robot):
    both = robot('left', 'right')
    both.send('left', 1, FUTURE, camera_timeout=3600.0)
    both.decode()
    assert both.infer() == [1]


def test_the_end_drops_what_waits_and_still_hands_results_out(robot):
    both = robot('left', 'right')
    both.send('left', 1)
    both.decode()
    both.infer()
    both.send('left', 2)
    both.decode()
    both.send('right', 3)
    both.finish()
    both.scheduler.close()
    both.send('right', 4)
    assert (both.dropped('left'), both.dropped('right')) == (1, 2)
    assert isinstance(both.scheduler.next_task(), PublishTask) and both.scheduler.next_task() is None
