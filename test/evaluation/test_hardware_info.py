"""What a figure depends on is this process's own state, not the machine's at large."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch

from mpn_ros.evaluation.hardware_info import machine, versions


def test_versions_are_those_installed():
    found = versions()
    assert found['numpy'] == np.__version__ and found['torch'] == torch.__version__
    assert all(found.values())


@pytest.mark.skipif(not hasattr(os, 'sched_setaffinity'), reason='this system has no affinity of processes')
def test_cores_and_threads_are_those_that_may_be_used():
    allowed, threads = os.sched_getaffinity(0), torch.get_num_threads()
    try:
        os.sched_setaffinity(0, {min(allowed)})
        torch.set_num_threads(3)
        found = machine()
    finally:
        os.sched_setaffinity(0, allowed)
        torch.set_num_threads(threads)
    assert (found['cores'], found['torch_threads']) == (1, 3)
    assert found['cpu']
