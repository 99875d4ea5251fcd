"""What the library logs, in the node's log: the library speaks by Python's ``logging``, for it knows nothing of ROS."""

from __future__ import annotations

import logging

from rclpy.impl.rcutils_logger import RcutilsLogger


class RosLog(logging.Handler):
    """Hands each record to ``logger`` at its own severity."""

    def __init__(self, logger: RcutilsLogger) -> None:
        super().__init__()
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        """Never raises, as logging has it: whoever warns must not fail for it."""
        try:
            text = self.format(record)
            # A call for each severity: rclpy holds every place in the code to the one that it logged with first.
            if record.levelno >= logging.CRITICAL:
                self._logger.fatal(text)
            elif record.levelno >= logging.ERROR:
                self._logger.error(text)
            elif record.levelno >= logging.WARNING:
                self._logger.warning(text)
            elif record.levelno >= logging.INFO:
                self._logger.info(text)
            else:
                self._logger.debug(text)
        except Exception:
            self.handleError(record)
