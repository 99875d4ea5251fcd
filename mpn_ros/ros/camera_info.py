"""From a ``sensor_msgs/CameraInfo`` to the camera model of the images beside it."""

from __future__ import annotations

import numpy as np
from sensor_msgs.msg import CameraInfo

from mpn_ros.camera_model import CameraModel
from mpn_ros.errors import CalibrationError
from mpn_ros.ros.camera_topics import CameraTopics
from mpn_ros.ros.qos import IMAGE_QOS

FISHEYE = 'equidistant', 'fisheye'
"""Names of Kannala and Brandt's distortion among drivers."""
BROWN_CONRADY = 'plumb_bob', 'rational_polynomial', ''
"""Names of the distortions whose coefficients are OpenCV's; empty where a driver leaves all of it out."""


def info_topic(image_topic: str) -> str:
    """The topic of ``CameraInfo`` beside an image topic without its transport, by image_transport's convention."""
    return f'{image_topic.rpartition("/")[0]}/camera_info'


def camera_model(info: CameraInfo, image_topic: str, width: int, height: int) -> CameraModel:
    """The model of ``width`` x ``height`` images on ``image_topic``.

    A topic that image_pipeline names as rectified (``image_rect``, ``image_rect_color``) has images without
    distortion, which P describes; K and D are those of the raw ones, under the same ``camera_info``. Raises
    CalibrationError for a camera that is not calibrated, a distortion of another name, and images of other proportions.
    """
    if info.roi.width and info.roi.height and (info.roi.width, info.roi.height) != (info.width, info.height):
        raise CalibrationError('the calibration is for an image of which only a region (roi) is sent')
    if image_topic.rpartition('/')[2].startswith('image_rect'):
        matrix, distortion, fisheye = np.array(info.p, float).reshape(3, 4)[:, :3], np.empty(0), False
    else:
        if info.distortion_model not in (*FISHEYE, *BROWN_CONRADY):
            raise CalibrationError(
                f"the distortion model '{info.distortion_model}' is not one of "
                f'{", ".join(name for name in (*BROWN_CONRADY, *FISHEYE) if name)}'
            )
        matrix, distortion = np.array(info.k, float).reshape(3, 3), np.array(info.d, float)
        fisheye = info.distortion_model in FISHEYE
    return CameraModel(matrix, distortion, info.width, info.height, fisheye).resized(width, height)


class Calibration:
    """Listens to the ``camera_info`` beside the image topic ``image_topic``, whose transport is left out."""

    def __init__(self, topics: CameraTopics, image_topic: str) -> None:
        self._topics, self._image_topic = topics, image_topic
        self._info: CameraInfo | None = None

    def open(self) -> None:
        """Subscribes. ``CameraTopics.unsubscribe`` ends it."""
        self._topics.subscribe(CameraInfo, info_topic(self._image_topic), self._camera_info_callback, IMAGE_QOS)

    def forget(self) -> None:
        """The camera is closed: what it has said of its lens may not be true of what comes next."""
        self._info = None

    def model(self, width: int, height: int) -> CameraModel:
        """How images of this size are projected. Raises CalibrationError until a ``camera_info`` has come, and for one
        that does not fit."""
        if self._info is None:
            raise CalibrationError(
                f"nothing has come on '{info_topic(self._image_topic)}', without which there are no positions"
            )
        return camera_model(self._info, self._image_topic, width, height)

    def _camera_info_callback(self, info: CameraInfo) -> None:
        self._info = info
