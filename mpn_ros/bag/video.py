"""How fast the images of a recording come."""

from __future__ import annotations

import itertools
from collections.abc import Collection

import numpy as np
from rosbags.interfaces import Connection

from mpn_ros.bag.recording import Recording

SAMPLE = 33
"""Images at the beginning of a topic whose intervals tell its rate."""
LONELY_RATE = 10.0
"""Frames a second where there is but one image."""


def frame_rate(recording: Recording, connections: Collection[Connection]) -> float:
    """Images a second of a topic: the median over its first images, so that a pause does not count."""
    stamps = [stamp for _, stamp, _ in itertools.islice(recording.messages(connections), SAMPLE)]
    intervals = np.diff(stamps)
    intervals = intervals[intervals > 0]
    return round(min(1e9 / float(np.median(intervals)), 120.0), 3) if len(intervals) else LONELY_RATE
