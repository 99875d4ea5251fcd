"""The node ``clip_player``: a video file in the place of a camera, for demo.launch.py."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import rclpy
from rcl_interfaces.msg import FloatingPointRange, ParameterDescriptor
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.task import Future
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from mpn_ros.errors import MpnError
from mpn_ros.media import VideoReader
from mpn_ros.messages import serialize_image
from mpn_ros.testing.lens import plausible_camera_info, read_camera_info

HIGHEST_RATE = 1000.0
"""Images a second."""


class ClipPlayer(Node):
    """Publishes the frames of a video on ``image_raw``, stamped with the time of their publication, and the
    ``camera_info`` of each. It stands still while nobody subscribes to the images, as while the node ``pose`` loads its
    network.

    Parameters, read at the start: ``clip``, the file; ``rate``, images a second, 0 for the clip's own; ``loop``, begin
    again at its end; ``frame_id``; ``camera_info``, a calibration file, or '' for a plausible lens. ``finished`` is
    done after the last frame. Raises ImageError for a file that is no video, CalibrationError for one that is no
    calibration.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__('clip_player', **options)

        def declare(name: str, default: object, text: str, **limits: Any) -> Any:
            return self.declare_parameter(
                name, default, ParameterDescriptor(description=text, read_only=True, **limits)
            ).value

        self._clip = declare('clip', '', 'Video file that is played.')
        rate = declare(
            'rate',
            0.0,
            "Images a second; 0 takes the clip's own rate.",
            floating_point_range=[FloatingPointRange(from_value=0.0, to_value=HIGHEST_RATE)],
        )
        self._loop = declare('loop', False, 'Begin again at the end.')
        self._frame_id = declare('frame_id', 'camera_optical_frame', 'Frame of the images.')
        calibration = declare('camera_info', '', "Calibration file of the clip's camera; empty for a plausible lens.")
        self._info = read_camera_info(calibration) if calibration else None
        self.finished: Future[None] = Future()
        self._publisher = self.create_publisher(Image, 'image_raw', 5)
        self._info_publisher = self.create_publisher(CameraInfo, 'camera_info', 5)
        with VideoReader(self._clip) as video:
            rate = rate or video.fps
        self._frames = self._read()
        self.create_timer(1 / rate, self._step)
        self.get_logger().info(f"plays {self._clip} at {rate:g} Hz on '{self._publisher.topic_name}'")

    def _read(self) -> Iterator[np.ndarray]:
        while True:
            with VideoReader(self._clip) as video:
                for frame in video:
                    yield frame.image
            if not self._loop:
                return

    def _step(self) -> None:
        if not self._publisher.get_subscription_count():
            return
        image = next(self._frames, None)
        if image is None:
            self.finished.set_result(None)
            return
        header = Header(stamp=self.get_clock().now().to_msg(), frame_id=self._frame_id)
        info = self._info = self._info or plausible_camera_info(image.shape[1], image.shape[0])
        info.header = header
        self._info_publisher.publish(info)
        self._publisher.publish(serialize_image(image, 'bgr8', header))


def main(args: Sequence[str] | None = None) -> int:
    """Plays until the clip or a signal ends it. The exit status: 0, or 2 with a sentence for a wrong clip or rate."""
    try:
        rclpy.init(args=None if args is None else list(args))
        node = ClipPlayer()
        rclpy.spin_until_future_complete(node, node.finished)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except (MpnError, rclpy.exceptions.ParameterException) as error:
        print(f'clip_player: {error}', file=sys.stderr)
        return 2
    except RuntimeError:
        if rclpy.ok():
            raise  # else a signal has ended the middleware just before an image was handed to it
    rclpy.try_shutdown()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C comes twice, from the terminal and from launch
    return 0
