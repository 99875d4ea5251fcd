"""Which patches make which step: a function of the seed and the step alone, so that a run can be cut anywhere."""

from __future__ import annotations

from collections.abc import Iterator

import torch


def epoch_batches(
    images: int, batch: int, steps: range, seed: int, rank: int = 0, processes: int = 1
) -> Iterator[list[tuple[int, int]]]:
    """For each step the epoch and the number of each image that process ``rank`` takes. Every epoch has its own order
    of the ``images``; what is left after its last whole ``batch`` is left out."""
    epoch, order = -1, []
    for step in steps:
        current, number = divmod(step, images // batch)
        if current != epoch:
            epoch, generator = current, torch.Generator().manual_seed(seed * 100003 + current)
            order = torch.randperm(images, generator=generator).tolist()
        yield [(epoch, index) for index in order[number * batch : (number + 1) * batch][rank::processes]]
