"""What the library logs, in the node's log: the library speaks by Python's ``logging``, for it knows nothing of ROS."""

from __future__ import annotations

import logging

from rclpy.impl.rcutils_logger import RcutilsLogger
from rclpy.logging import LoggingSeverity


class RosLog(logging.Handler):
    """Hands each record to ``logger`` at its own severity."""

    def __init__(self, logger: RcutilsLogger) -> None:
        super().__init__()
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        """Both scales agree: 10 is debug, 50 fatal."""
        severity = min(max(record.levelno // 10 * 10, LoggingSeverity.DEBUG), LoggingSeverity.FATAL)
        self._logger.log(self.format(record), LoggingSeverity(severity))
