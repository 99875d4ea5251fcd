"""What torch.compile makes answers as the network does; where it cannot work it says so."""

from __future__ import annotations

import os
import stat

import numpy as np
import pytest
from torch._inductor.runtime import cache_dir_utils

from mpn_ros.backends.compile import CompileBackend
from mpn_ros.backends.eager import EagerBackend
from mpn_ros.backends.parity import output_mismatch
from mpn_ros.errors import BackendUnavailable


@pytest.fixture
def private(tmp_path, monkeypatch):
    """A cache of the test's own, in a process that has exported something before."""
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    monkeypatch.setenv('TORCHINDUCTOR_CACHE_DIR', '')
    monkeypatch.delenv('TORCHINDUCTOR_CACHE_DIR')
    cache_dir_utils.cache_dir()  # as any export does: PyTorch names its own, in /tmp
    assert 'torchinductor_' in os.environ['TORCHINDUCTOR_CACHE_DIR']
    return tmp_path / 'mpn_ros' / 'inductor'


def test_it_agrees_with_eager_and_keeps_its_kernels_in_private(small_network, images, private):
    try:
        compiled = CompileBackend(small_network, 'cpu', 'fp32')
    except BackendUnavailable as error:
        pytest.skip(str(error))
    assert str(compiled.info) == 'compile float32 on cpu'
    exact = EagerBackend(small_network, 'cpu', 'fp32')
    three = np.concatenate([images, 255 - images[:1]])
    seen, want = compiled(three), exact(three)
    assert output_mismatch(seen, want) is None
    np.testing.assert_allclose(seen.person, want.person, atol=1e-4)
    np.testing.assert_allclose(seen.boxes[..., 4], want.boxes[..., 4], atol=1e-4)
    assert list(private.iterdir()) and stat.S_IMODE(os.stat(private).st_mode) == 0o700


def test_without_a_compiler_it_says_what_to_install(small_network, monkeypatch):
    monkeypatch.setenv('CXX', 'no-such-compiler')
    with pytest.raises(BackendUnavailable, match='apt install g\\+\\+'):
        CompileBackend(small_network, 'cpu')


def test_a_compiler_that_fails_is_a_backend_that_is_not_there(small_network, images, monkeypatch):
    backend = CompileBackend(small_network, 'cpu')

    def broken(*_, **__):
        raise RuntimeError('ld: cannot find -lgomp\nand a page more')

    monkeypatch.setattr('torch.compile', broken)
    with pytest.raises(BackendUnavailable, match='1x64x96x3: RuntimeError: ld: cannot find -lgomp$'):
        backend(images[:1])


def test_missing_memory_is_no_fault_of_the_compiler(small_network, images, monkeypatch):
    backend = CompileBackend(small_network, 'cpu')

    def full(*_, **__):
        raise MemoryError

    monkeypatch.setattr('torch.compile', full)
    with pytest.raises(MemoryError):
        backend(images[:1])
