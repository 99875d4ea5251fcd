"""What an exception out of a backend means: memory that another try may find, or a device that is lost to this
process. PyTorch, OpenVINO and NumPy each say it in their own way."""

from __future__ import annotations

import gc
import sys

# What PyTorch's and OpenVINO's plain RuntimeErrors say when the machine's memory has run out.
_OUT_OF_MEMORY = ("can't allocate memory", 'bad_alloc', 'bad allocation', 'out of memory', 'not enough memory')


def out_of_memory(error: BaseException) -> bool:
    """Whether memory was missing, of the GPU or of the machine."""
    torch = sys.modules.get('torch')  # what did not load it has not raised its exceptions
    if isinstance(error, MemoryError) or (torch is not None and isinstance(error, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _OUT_OF_MEMORY)


def device_lost(error: BaseException) -> bool:
    """Whether the device failed in a way that only a new process can mend: after an illegal access, a failed assertion
    or a launch that timed out, every later call to CUDA in this process fails as well."""
    return isinstance(error, RuntimeError) and not out_of_memory(error) and 'CUDA error' in str(error)


def free_memory() -> None:
    """Gives back what is kept for later: garbage, and the blocks that PyTorch holds on a GPU."""
    gc.collect()
    torch = sys.modules.get('torch')
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
