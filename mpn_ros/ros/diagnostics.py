"""How a camera fares, for /diagnostics: one status a camera, STALE while it is silent."""

from __future__ import annotations

import math
import resource
from collections.abc import Mapping
from pathlib import Path

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from mpn_ros.serving.statistics import COUNTS, PERCENTILES, WINDOW, Snapshot


def status(
    name: str,
    topic: str,
    snapshot: Snapshot,
    timeout: float,
    error: str | None,
    warning: str | None,
    info: Mapping[str, str],
) -> DiagnosticStatus:
    """The status of an open camera.

    ``timeout``: seconds of silence after which it is STALE; ``error`` and ``warning``: sentences on what the counters
    do not tell, such as a topic of another type; ``info``: what else is told, such as the backend and the weights.
    """
    level, message = _judge(topic, snapshot, timeout, error, warning)
    values = {
        'topic': topic,
        'rate (Hz)': f'{snapshot.rate:.1f}',
        'people': str(snapshot.people),
        'windows': str(snapshot.windows),
    }
    for key, percentiles in snapshot.times.items():
        for label, seconds in zip(PERCENTILES, percentiles, strict=True):
            values[f'{key} {label} (ms)'] = '' if math.isnan(seconds) else f'{seconds * 1e3:.1f}'
    for key in COUNTS:
        values[key] = str(getattr(snapshot, key))
    values['memory (MB)'] = _memory()
    return DiagnosticStatus(
        level=level,
        name=name,
        message=message,
        hardware_id=topic,
        values=[KeyValue(key=key, value=value) for key, value in {**values, **info}.items()],
    )


def inactive(name: str, topic: str, info: Mapping[str, str]) -> DiagnosticStatus:
    """The status of a camera while the node is configured but not active."""
    return DiagnosticStatus(
        level=DiagnosticStatus.OK,
        name=name,
        message='inactive',
        hardware_id=topic,
        values=[KeyValue(key=key, value=value) for key, value in info.items()],
    )


def _judge(topic: str, snapshot: Snapshot, timeout: float, error: str | None, warning: str | None) -> tuple[bytes, str]:
    if error:
        return DiagnosticStatus.ERROR, error
    if snapshot.since_last_image > timeout:
        return DiagnosticStatus.STALE, f"no image on '{topic}' for {snapshot.since_last_image:.0f} s"
    if snapshot.fault:
        level = DiagnosticStatus.WARN if snapshot.rate else DiagnosticStatus.ERROR
        return level, snapshot.fault
    if warning:
        return DiagnosticStatus.WARN, warning
    if not snapshot.rate:
        return DiagnosticStatus.WARN, f'no image was answered in the last {WINDOW:g} s'
    return DiagnosticStatus.OK, f'{snapshot.people} people, {snapshot.rate:.1f} Hz'


def _memory() -> str:
    """The memory that the process holds; empty where the system has no /proc."""
    try:
        pages = int(Path('/proc/self/statm').read_text().split()[1])
    except OSError:
        return ''
    return f'{pages * resource.getpagesize() / 1e6:.0f}'
