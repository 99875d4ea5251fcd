"""cv_bridge where it is installed and safe: it decides the picture of every encoding that it converts, so that this
node sees what the other nodes of a robot see; where it is missing or broken our own decoder gives the same picture."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from typing import Any

# A cv_bridge that was compiled for NumPy 1 does not raise under NumPy 2: it may end the process. So a child tries it
# first.
_TRIAL = """
from array import array
import cv_bridge, sensor_msgs.msg
data = array('B', [0, 0, 1, 1, 128, 128, 255, 255])
image = sensor_msgs.msg.Image(height=2, width=2, encoding='mono16', step=4, data=data)
assert cv_bridge.CvBridge().imgmsg_to_cv2(image, 'bgr8').tolist() == [[[0] * 3, [1] * 3], [[128] * 3, [255] * 3]]
"""


def probe_cv_bridge() -> tuple[Any | None, str]:
    """``(cv_bridge.CvBridge() or None, a sentence for the log)``. Takes about a second where cv_bridge is installed."""
    if importlib.util.find_spec('cv_bridge') is None:
        return None, 'cv_bridge is not installed: our own decoder converts all images'
    try:
        trial = subprocess.run([sys.executable, '-c', _TRIAL], capture_output=True, text=True, timeout=30)
    except subprocess.TimeoutExpired:
        return None, 'cv_bridge did not answer within 30 s: our own decoder converts all images'
    if trial.returncode:
        reason = (trial.stderr.strip().splitlines() or [f'exit status {trial.returncode}'])[-1]
        return None, f'cv_bridge is installed but does not work here ({reason}): our own decoder converts all images'
    from cv_bridge import CvBridge

    return CvBridge(), 'cv_bridge converts mono16, Bayer and YUV 4:2:2 images'
