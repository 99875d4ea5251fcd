"""What runs the perception graph; one interface, ``Backend``, whatever is behind it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from mpn_ros.backends.base import Backend
from mpn_ros.backends.eager import EagerBackend
from mpn_ros.backends.openvino import OpenVinoBackend
from mpn_ros.errors import BackendUnavailable
from mpn_ros.network.multiposenet import MultiPoseNet

BACKENDS: dict[str, Callable[[MultiPoseNet, str], Backend]] = {'openvino': OpenVinoBackend, 'eager': EagerBackend}
"""By name, the faster ones first."""
_log = logging.getLogger(__name__)


def make_backend(network: MultiPoseNet, name: str = 'auto', device: str = 'auto') -> Backend:
    """The backend of that name; 'auto' takes the first that works here and says in the log what kept the ones before
    it.

    Raises BackendUnavailable for an unknown name, or with the reason why a named one cannot run.
    """
    if name != 'auto':
        if name not in BACKENDS:
            raise BackendUnavailable(f"no backend is called '{name}'; there are auto, {', '.join(BACKENDS)}")
        return BACKENDS[name](network, device)
    reasons = []
    for backend in BACKENDS.values():
        try:
            chosen = backend(network, device)
        except BackendUnavailable as error:
            reasons.append(str(error))
            continue
        _log.info('backend: %s%s', chosen.description, f' ({"; ".join(reasons)})' if reasons else '')
        return chosen
    raise BackendUnavailable('; '.join(reasons))


__all__ = ['BACKENDS', 'Backend', 'make_backend']
