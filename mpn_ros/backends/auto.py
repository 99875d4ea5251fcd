"""The backend that takes the first of several that works."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from mpn_ros.backends.base import Backend, BackendInfo, Pixels
from mpn_ros.errors import BackendUnavailable
from mpn_ros.raw_detections import RawDetections

_log = logging.getLogger(__name__)


class AutoBackend:
    """The first of ``makers`` whose backend can be made; one that then cannot be built for a shape, as a TensorRT
    engine may, makes room for the next. The log says what was taken and, after ``reasons``, why not those before it.

    Raises BackendUnavailable, here or when it is called, once all have failed.
    """

    def __init__(self, makers: Sequence[Callable[[], Backend]], reasons: Sequence[str] = ()):
        self._makers, self._reasons = list(makers), list(reasons)
        self._chosen = self._choose()

    @property
    def info(self) -> BackendInfo:
        """That of the one which was taken."""
        return self._chosen.info

    def __call__(self, images: Pixels) -> RawDetections:
        """See ``Backend``."""
        while True:
            try:
                return self._chosen(images)
            except BackendUnavailable as error:
                self._reasons.append(str(error))
                self._chosen = self._choose()

    def _choose(self) -> Backend:
        while self._makers:
            try:
                chosen = self._makers.pop(0)()
            except BackendUnavailable as error:
                self._reasons.append(str(error))
                continue
            _log.info('backend: %s%s', chosen.info, f' ({"; ".join(self._reasons)})' if self._reasons else '')
            return chosen
        raise BackendUnavailable('; '.join(self._reasons))
