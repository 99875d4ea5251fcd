"""The ``camera_info`` of a video: as a calibration file has it, or a plausible one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from sensor_msgs.msg import CameraInfo

from mpn_ros.errors import CalibrationError

FOCAL_LENGTH = 0.9
"""Of a plausible lens, in units of the image's long side: it sees 58 degrees along it, as phones and webcams do."""


def plausible_camera_info(width: int, height: int) -> CameraInfo:
    """A camera without distortion that looks through the middle of its ``width`` x ``height`` images."""
    focal, x, y = FOCAL_LENGTH * max(width, height), (width - 1) / 2, (height - 1) / 2
    return CameraInfo(
        width=width,
        height=height,
        distortion_model='plumb_bob',
        d=[0.0] * 5,
        k=[focal, 0.0, x, 0.0, focal, y, 0.0, 0.0, 1.0],
        r=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        p=[focal, 0.0, x, 0.0, 0.0, focal, y, 0.0, 0.0, 0.0, 1.0, 0.0],
    )


def read_camera_info(path: str | Path) -> CameraInfo:
    """A calibration file as camera_calibration writes it. Raises CalibrationError for a file that is none."""
    try:
        content: Any = yaml.safe_load(Path(path).read_text())
        return CameraInfo(
            width=content['image_width'],
            height=content['image_height'],
            distortion_model=content['distortion_model'],
            d=_numbers(content, 'distortion_coefficients'),
            k=_numbers(content, 'camera_matrix'),
            r=_numbers(content, 'rectification_matrix'),
            p=_numbers(content, 'projection_matrix'),
        )
    except (OSError, UnicodeError) as error:
        raise CalibrationError(f'{path} cannot be read: {error}') from error
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AssertionError) as error:
        raise CalibrationError(f'{path} is no calibration file of a camera: {error!r}') from error


def _numbers(content: dict[str, Any], name: str) -> list[float]:
    return [float(value) for value in content[name]['data']]
