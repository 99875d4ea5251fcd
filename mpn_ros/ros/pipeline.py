"""The library's pipeline as the node's parameters want it."""

from __future__ import annotations

from typing import Protocol

from mpn_ros.ros.parameters import Parameters
from mpn_ros.ros.worker import Pipeline


class ConfigurablePipeline(Pipeline, Protocol):
    """A pipeline that follows the live parameters. ``facts`` is what diagnostics tell of it: backend, device, weights."""

    facts: dict[str, str]

    def adjust(self, parameters: Parameters) -> None:
        """Takes over the live parameters from the next image on; called from another thread than ``batch``."""


def load_pipeline(parameters: Parameters) -> ConfigurablePipeline:
    """Loads weights and backend. Raises MpnError."""
    raise NotImplementedError
