"""More images than can be answered: what becomes of each, how old it is when inference takes it and when the answer is
heard, and what memory it takes."""

from __future__ import annotations

import sys
import time
from functools import partial
from typing import NamedTuple

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from mpn_ros.msg import SkeletonArray
from rclpy.node import Node
from rclpy.time import Time

from benchmarks.load.cameras import Cameras
from benchmarks.node_process import resident_memory
from mpn_ros.serving.statistics import OUTCOMES, WINDOW

GRACE = 0.5
"""Seconds after which an image that was sent alone has come, if it ever will."""
PATIENCE = 120.0
"""Seconds for an answer; the first waits for the network to be converted."""


class CameraCounts(NamedTuple):
    """What one camera sent and what the node counted of it: 'received', 'missed' and the ``OUTCOMES``."""

    sent: int
    counts: dict[str, int]

    @property
    def unknown(self) -> int:
        """Sent, and neither received nor missed: what was sent before the node first heard the camera."""
        return self.sent - self.counts['received'] - self.counts['missed']

    @property
    def under_way(self) -> int:
        """Received, and nothing else is known of it."""
        return self.counts['received'] - sum(self.counts[outcome] for outcome in OUTCOMES)

    def as_dict(self) -> dict[str, int]:
        """All of it by name."""
        return {'sent': self.sent, **self.counts, 'unknown': self.unknown, 'under_way': self.under_way}


class Audience:
    """Hears what the node ``pose`` says of the cameras with these names; ``node`` has to spin in a thread.

    ``answers`` has for each camera the time at which an answer came and its age, from the image's stamp; ``taken`` the
    median and the greatest age at which inference took images, each from the node's last ``WINDOW``. All in seconds.
    """

    def __init__(self, node: Node, names: tuple[str, ...]) -> None:
        self._node, self._names = node, names
        self._counts: dict[str, tuple[float, dict[str, int]]] = {}
        self.answers: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
        self.taken: list[tuple[float, float]] = []
        for name in names:
            node.create_subscription(SkeletonArray, f'{name}/skeletons', partial(self._hear, name), 10)
        node.create_subscription(DiagnosticArray, '/diagnostics', self._learn, 10)

    def _hear(self, name: str, answer: SkeletonArray) -> None:
        now = self._node.get_clock().now()
        self.answers[name].append((now.nanoseconds / 1e9, (now - Time.from_msg(answer.header.stamp)).nanoseconds / 1e9))

    def _learn(self, message: DiagnosticArray) -> None:
        for status in message.status:
            values = {pair.key: pair.value for pair in status.values}
            name = status.name.rpartition(': ')[2]
            if name in self._names and 'received' in values:
                self._counts[name] = (
                    Time.from_msg(message.header.stamp).nanoseconds / 1e9,
                    {key: int(values[key]) for key in ('received', 'missed', *OUTCOMES)},
                )
                if values['stamp_to_inference max (ms)']:
                    self.taken.append(
                        (
                            float(values['stamp_to_inference p50 (ms)']) / 1e3,
                            float(values['stamp_to_inference max (ms)']) / 1e3,
                        )
                    )

    def known(self, sent: int, after: float) -> list[CameraCounts] | None:
        """The count of each camera, of which ``sent`` images each have been sent; None until the node has said after
        the time ``after`` that it knows what became of all that it has received."""
        cameras_now = [CameraCounts(sent, counts) for told, counts in self._counts.values() if told > after]
        finished = len(cameras_now) == len(self._names) and not any(camera.under_way for camera in cameras_now)
        return cameras_now if finished else None


def measure(node: Node, process: int, cameras: Cameras, seconds: int, rate: int) -> dict[str, float]:
    """Loads the node ``pose``, whose process has that id, for ``seconds`` with ``rate`` images a second of each camera.
    ``node`` listens, and has to spin in a thread. Counts are of all cameras; times in seconds, memory in MiB."""
    audience = Audience(node, cameras.names)
    before = settle(audience, cameras)
    for answers in audience.answers.values():
        answers.clear()
    memory = [resident_memory(process)]
    took = 0.0
    for second in range(seconds):
        if second <= WINDOW:  # what is told of the time before counts only where there is nothing else
            audience.taken.clear()
        took += cameras.send(rate, rate)
        memory.append(resident_memory(process))
    heard = [np.array(answers) for answers in audience.answers.values()]
    taken = np.array(audience.taken)
    after = settle(audience, cameras)
    counts = {
        name: sum(camera.as_dict()[name] - first.as_dict()[name] for camera, first in zip(after, before, strict=True))
        for name in ('sent', 'received', 'missed', *OUTCOMES, 'unknown', 'under_way')
    }
    ages = np.concatenate([answers[:, 1] for answers in heard])
    intervals = np.concatenate([np.diff(answers[:, 0]) for answers in heard])
    p50, p95 = np.percentile(ages, (50, 95)).tolist()
    return {
        **counts,
        'sent a second, each': seconds * rate / took,
        'answered a second, all': len(ages) / took,
        'taken p50': np.median(taken[:, 0]).item(),
        'taken, worst': taken[:, 1].max().item(),
        'taken, worst, in periods': taken[:, 1].max().item() * rate,
        'heard p50': p50,
        'heard p95': p95,
        'heard, worst': ages.max().item(),
        'interval between answers, worst': intervals.max().item(),
        'memory before': memory[0],
        'memory, most': max(memory),
    }


def settle(audience: Audience, cameras: Cameras) -> list[CameraCounts]:
    """Sends single images until the node has heard the last of each camera, for only that tells it what it missed, and
    knows what became of all."""
    before: list[CameraCounts] = []
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        cameras.send(1, len(cameras.names))
        sent, now = time.time(), None
        while now is None and time.monotonic() < end:
            time.sleep(0.05)
            now = audience.known(cameras.sent, sent + GRACE)
        if (
            now
            and before
            and all(
                camera.counts['received'] == last.counts['received'] + 1
                for camera, last in zip(now, before, strict=True)
            )
        ):
            return now
        before = now or []
    sys.exit(f'the node has not answered within {PATIENCE:g} s')
