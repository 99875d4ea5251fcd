"""A network that is there already, as what a backend is made from."""

from __future__ import annotations

from typing import Any

from mpn_ros.presets import Preset
from mpn_ros.weights import tensor_digest


class Ready:
    """``NetworkSource`` of a network in memory."""

    def __init__(self, network: Any) -> None:
        self._network = network

    @property
    def preset(self) -> Preset:
        preset: Preset = self._network.preset
        return preset

    def network_digest(self) -> str:
        return tensor_digest(self._network.state_dict())

    def network(self) -> Any:
        return self._network
