"""What the exceptions of PyTorch, OpenVINO and Python say, told apart by what can be done."""

from __future__ import annotations

import pytest
import torch

from mpn_ros.backends.faults import device_lost, free_memory, out_of_memory


@pytest.mark.parametrize(
    'error',
    [
        MemoryError(),
        torch.cuda.OutOfMemoryError('CUDA out of memory. Tried to allocate 2.00 GiB.'),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 17179869184 bytes."),
        RuntimeError('Exception from src/inference: std::bad_alloc'),
    ],
)
def test_missing_memory_is_known(error):
    assert out_of_memory(error) and not device_lost(error)


@pytest.mark.parametrize(
    'error',
    [
        RuntimeError('CUDA error: an illegal memory access was encountered\nCUDA kernel errors might be ...'),
        RuntimeError('CUDA error: device-side assert triggered'),
        RuntimeError('CUDA error: unspecified launch failure'),
    ],
)
def test_a_lost_device_is_known(error):
    assert device_lost(error) and not out_of_memory(error)


@pytest.mark.parametrize(
    'error',
    [
        RuntimeError('shapes do not match'),
        ValueError('out of memory, he said'),
        RuntimeError('CUDA error: out of memory'),
    ],
)
def test_other_errors_do_not_end_the_process(error):
    assert not device_lost(error)


def test_an_allocation_that_fails_for_real_is_known():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert out_of_memory(caught.value)
    free_memory()
