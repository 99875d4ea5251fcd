"""What a frozen backbone sees, computed once for each patch and kept in a file that runs share."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from mpn_ros.errors import ParameterError
from mpn_ros.files import write_whole

_log = logging.getLogger(__name__)


class Level(NamedTuple):
    """C2..C5 of one patch: ``channels`` x ``height`` x ``width``."""

    channels: int
    height: int
    width: int


class FeatureCache:
    """C2..C5 of ``rows`` patches, each written when it is first met.

    The files are ``NAME.features``, which takes its whole size at once, and ``NAME.known``, which says of each row
    whether it is there; that is brought up to date by ``flush``, so a kill costs what came after the last one. Runs
    with the same ``name`` may share them, at the same time too. Raises ParameterError where there is no room.
    """

    def __init__(self, folder: Path, name: str, rows: int, levels: Sequence[Level], dtype: torch.dtype) -> None:
        self._levels, self._dtype = levels, dtype
        cells = sum(level.channels * level.height * level.width for level in levels)
        shape = rows, cells * dtype.itemsize
        self._path, self._known_path = folder / f'{name}.features', folder / f'{name}.known'
        size = shape[0] * shape[1]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not self._path.exists():
                _log.warning('features of %d patches are kept in %s: %.1f GB', rows, self._path, size / 1e9)
            with self._path.open('ab') as file:  # a file with holes would end the process when the disk is full
                os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            raise ParameterError(f'{self._path} cannot be given its {size / 1e9:.1f} GB: {error.strerror}') from error
        self._data = np.memmap(self._path, np.uint8, 'r+', shape=shape)
        self._known = self._read_known()

    def _read_known(self) -> np.ndarray:
        if not self._known_path.exists():
            return np.zeros(len(self._data), bool)
        return np.fromfile(self._known_path, bool, len(self._data))

    def get(self, rows: torch.Tensor) -> list[torch.Tensor] | None:
        """C2..C5 ``(B, channels, h, w)``, channels last in memory; None if one of the rows is not there yet."""
        if not self._known[rows].all():
            return None
        kept = torch.from_numpy(self._data[rows.numpy()]).view(self._dtype)
        found, start = [], 0
        for channels, height, width in self._levels:
            end = start + channels * height * width
            found.append(kept[:, start:end].unflatten(1, (height, width, channels)).permute(0, 3, 1, 2))
            start = end
        return found

    def put(self, rows: torch.Tensor, features: Sequence[torch.Tensor]) -> None:
        """Keeps C2..C5 ``(B, channels, h, w)`` of these rows."""
        flat = torch.cat([level.permute(0, 2, 3, 1).flatten(1) for level in features], 1).cpu().contiguous()
        self._data[rows.numpy()] = flat.view(torch.uint8).numpy()
        self._known[rows] = True

    def flush(self) -> None:
        """Makes what was put last, for the runs to come."""
        self._data.flush()
        self._known |= self._read_known()
        write_whole(self._known_path, self._known.tobytes())
