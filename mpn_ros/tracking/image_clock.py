"""When images were taken, for a tracker, whatever a driver writes into their stamps."""

from __future__ import annotations


class ImageClock:
    """The times of the images of one camera, in seconds. They go as the stamps go, on the clock of arrival.

    A stamp that is zero, or the same as that of the image before, says nothing: such an image is as much later than the
    one before it as it came later.
    """

    def __init__(self) -> None:
        self._stamp = 0.0
        self._offset: float | None = None
        self._time = self._received = 0.0

    def time(self, stamp: float, received: float) -> float:
        """When an image was taken.

        Args:
            stamp: its header's, in seconds; 0 where there is none.
            received: when it came, in seconds, by a clock that never goes back.
        """
        seconds = self._time + received - self._received if self._received else received
        if stamp not in (0, self._stamp):
            if self._offset is None:
                self._offset = seconds - stamp
            seconds = stamp + self._offset
            self._stamp = stamp
        self._time, self._received = seconds, received
        return seconds
