"""The order of the patches: everything once an epoch, the same however it is cut or shared."""

from __future__ import annotations

from itertools import chain

from mpn_ros.training.sampler import epoch_batches


def test_an_epoch_takes_every_image_once_and_epochs_differ():
    first, second, third, fourth = epoch_batches(8, 4, range(4), seed=0)
    assert sorted(first + second) == [(0, n) for n in range(8)]
    assert sorted(third + fourth) == [(1, n) for n in range(8)]
    assert [n for _, n in first] != [n for _, n in third]


def test_what_is_left_of_an_epoch_is_left_out():
    assert [len(batch) for batch in epoch_batches(7, 3, range(4), seed=0)] == [3] * 4


def test_a_cut_changes_nothing():
    whole = list(epoch_batches(9, 2, range(10), seed=3))
    assert list(epoch_batches(9, 2, range(6, 10), seed=3)) == whole[6:]
    assert list(epoch_batches(9, 2, range(10), seed=4)) != whole


def test_processes_share_a_batch():
    whole = list(epoch_batches(9, 4, range(3), seed=0))
    shares = [epoch_batches(9, 4, range(3), 0, rank, 2) for rank in range(2)]
    assert [sorted(chain(*parts)) for parts in zip(*shares)] == [sorted(batch) for batch in whole]
