"""The process of the node: ends with 0 on SIGINT and SIGTERM at any moment, with 2 and a sentence on wrong parameters,
with 3 where only a new process can go on."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from mpn_ros.memory import share_heap

if TYPE_CHECKING:
    from rclpy.executors import Executor

GRACE = 4.0
"""Seconds between a signal and the end at the latest; a network that is just being loaded cannot be interrupted."""
LOST = 3
"""The exit status where only a new process can go on."""
POLL = 0.1
"""Seconds between two looks at whether a signal has come."""
SWITCH_INTERVAL = 1e-4
"""Seconds after which a thread leaves the interpreter to another that waits for it. With Python's own 5 ms an image
waits until the executor, which has handed it over, sleeps again."""


class _Signals:
    """Notes SIGINT and SIGTERM, however often they come. A plain flag: a handler must not take a lock that its thread
    may hold."""

    def __init__(self) -> None:
        self.came = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)

    def _note(self, *_: object) -> None:
        self.came = True


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Runs the node until a signal comes. The exit status: 0, 1 after a bug, 2 for arguments that the user can mend,
    3 where the device is lost or the network hangs."""
    share_heap()
    status = _run(args, _Signals())  # the signals first: the imports take their time
    if status != LOST:  # else what holds on to the device would wait for it
        # rclpy's life cycle refers to itself: only now are the node and its shared memory given back to the middleware.
        gc.collect()
    # Python would take seconds to take torch apart, would not answer signals meanwhile, and all that is ours is closed.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _run(args: Sequence[str] | None, signals: _Signals) -> int:
    """The executor spins in a thread of its own, so that this one is free to answer signals while a transition is under
    way."""
    import rclpy
    from rclpy.executors import SingleThreadedExecutor
    from rclpy.signals import SignalHandlerOptions

    from mpn_ros.errors import MpnError
    from mpn_ros.ros.node import PoseNode
    from mpn_ros.ros.ros_log import RosLog
    from mpn_ros.ros.shared_memory import find_orphans

    orphans = find_orphans()  # before the node asks for its own
    try:
        rclpy.init(args=None if args is None else list(args), signal_handler_options=SignalHandlerOptions.NO)
        node = PoseNode()
    except (MpnError, RuntimeError) as error:  # RCLError and UnknownROSArgsError are RuntimeErrors
        print(f'pose: {error}', file=sys.stderr)
        return 2
    logging.getLogger('mpn_ros').addHandler(RosLog(node.get_logger()))
    logging.getLogger('mpn_ros').setLevel(logging.INFO)
    if orphans.segments:
        node.get_logger().warning(orphans.warning)
    sys.setswitchinterval(SWITCH_INTERVAL)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    bugs: list[str] = []
    spinner = threading.Thread(target=_spin, args=(executor, signals, bugs), name='executor', daemon=True)
    spinner.start()
    while spinner.is_alive() and not signals.came:
        spinner.join(POLL)
        if reason := node.fatal_reason:
            node.get_logger().fatal(f'{reason}: the process ends, so that it can be started again')
            return LOST
    last_resort = threading.Timer(GRACE, os._exit, (int(bool(bugs)),))
    last_resort.daemon = True
    last_resort.start()
    spinner.join()
    executor.shutdown()
    node.destroy_node()
    rclpy.try_shutdown()
    if bugs:
        print(f'pose: {bugs[0]}', file=sys.stderr)
    return 1 if bugs else 0


def _spin(executor: Executor, signals: _Signals, bugs: list[str]) -> None:
    """Serves callbacks until a signal has come or one of them raises."""
    try:
        while not signals.came:
            executor.spin_once(timeout_sec=POLL)
    except Exception:
        bugs.append(traceback.format_exc())


if __name__ == '__main__':
    main()
