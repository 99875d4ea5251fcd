"""Which pictures a fault costs, and what is tried before."""

from __future__ import annotations

import logging
import threading

import numpy as np
import pytest
import torch

from mpn_ros.decoding.raw import DecodedImage
from mpn_ros.serving.inference import Inference, Request


class Doubtful:
    """A pipeline whose result is the picture's value; ``fault(values)`` may raise. Keeps the sizes of its batches."""

    max_batch_size, thread_affine = 6, False

    def __init__(self, fault):
        self.fault, self.sizes = fault, []

    def batch(self, images, orders, expected):
        values = [int(image[0, 0, 0]) for image in images]
        self.sizes.append(len(values))
        self.fault(values)
        return values


def pictures(*values):
    return [Request(DecodedImage(np.full((2, 2, 3), value, np.uint8), 'rgb')) for value in values]


def infer_with(fault):
    said = []
    pipeline = Doubtful(fault)
    return Inference(pipeline, said.append), pipeline, said


def cuda_out_of_memory():
    return torch.cuda.OutOfMemoryError('CUDA out of memory. Tried to allocate 2.00 GiB.')


@pytest.mark.parametrize('poison', range(5))
def test_one_bad_picture_costs_no_other(poison):
    def fault(values):
        if poison in values:
            raise ValueError('poison')

    infer, _, _ = infer_with(fault)
    answers = infer(pictures(*range(5)))
    assert isinstance(answers[poison], ValueError)
    assert [answer for n, answer in enumerate(answers) if n != poison] == [n for n in range(5) if n != poison]


@pytest.mark.parametrize('error', [cuda_out_of_memory(), MemoryError('no memory')])
def test_missing_memory_is_freed_and_the_batch_tried_once_more(error, monkeypatch):
    freed = []
    monkeypatch.setattr('mpn_ros.serving.inference.free_memory', lambda: freed.append(True))
    errors = [error]

    def fault(values):
        if errors:
            raise errors.pop()

    infer, pipeline, said = infer_with(fault)
    assert infer(pictures(1, 2)) == [1, 2] and pipeline.sizes == [2, 2] and len(freed) == 1
    assert len(said) == 1 and 'memory' in said[0] and '2 images' in said[0]


def test_a_batch_too_large_for_memory_is_halved_and_stays_so(caplog):
    caplog.set_level(logging.WARNING, 'mpn_ros')

    def fault(values):
        if len(values) > 3:
            raise cuda_out_of_memory()

    infer, pipeline, _ = infer_with(fault)
    assert infer(pictures(*range(8))) == list(range(8))
    assert infer.max_batch_size == 2
    assert 'from now on at most 4' in caplog.text and 'from now on at most 2' in caplog.text
    pipeline.sizes.clear()
    assert infer(pictures(*range(8))) == list(range(8)) and pipeline.sizes == [2] * 4
    assert not infer.fatal_error


def test_a_picture_too_large_for_memory_fails_after_two_tries():
    def fault(values):
        raise cuda_out_of_memory()

    infer, pipeline, _ = infer_with(fault)
    (answer,) = infer(pictures(1))
    assert isinstance(answer, torch.cuda.OutOfMemoryError) and pipeline.sizes == [1, 1] and not infer.fatal_error


def test_a_lost_device_is_tried_no_further():
    def fault(values):
        raise RuntimeError('CUDA error: an illegal memory access was encountered\nmore')

    infer, pipeline, _ = infer_with(fault)
    answers = infer(pictures(*range(4)))
    assert all(isinstance(answer, RuntimeError) for answer in answers) and pipeline.sizes == [4]
    assert infer.fatal_error == 'the device is lost: CUDA error: an illegal memory access was encountered'


def test_a_batch_is_no_larger_than_the_pipeline_gains_from():
    infer, pipeline, _ = infer_with(lambda values: None)
    assert infer.max_batch_size == pipeline.max_batch_size


def test_nothing_is_asked_for_no_pictures():
    infer, pipeline, _ = infer_with(lambda values: None)
    assert infer([]) == [] and not pipeline.sizes


@pytest.mark.parametrize('thread_affine', [True, False])
def test_a_pipeline_may_be_bound_to_a_thread(thread_affine):
    threads = []
    infer, pipeline, _ = infer_with(lambda values: threads.append(threading.current_thread()))
    pipeline.thread_affine = thread_affine
    callers = [threading.Thread(target=infer, args=[pictures(1)]) for _ in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(threads) == 3 and len(set(threads)) == (1 if thread_affine else 3)
    infer.close()


def test_images_do_not_wait_for_what_may_be_prepared_beside_them():
    begun, go_on = threading.Event(), threading.Event()
    pipeline = Doubtful(lambda values: None)

    def warm():
        begun.set()
        assert go_on.wait(10)
        raise MemoryError('no memory for windows')

    pipeline.warm = warm
    told = []
    inference = Inference(pipeline, told.append)
    inference.warm()
    assert begun.wait(10)
    assert len(inference(pictures(1))) == 1 and not told
    go_on.set()
    inference.close()
    assert told == ['the second look could not be prepared: no memory for windows']


def test_images_wait_where_one_thread_does_all():
    pipeline, prepared = Doubtful(lambda values: None), []
    pipeline.thread_affine, pipeline.warm = True, lambda: prepared.append(threading.current_thread())
    inference = Inference(pipeline, print)
    inference.warm()
    assert len(prepared) == 1
