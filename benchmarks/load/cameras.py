"""Cameras in a process of their own, as drivers are: each sends its picture as often as it is told to.

A line ``ROUNDS RATE`` on stdin makes each camera send that many images, that many a second, one camera after the other
within the period; the answer on stdout is the seconds that it took.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
JPEG_QUALITY = 90
END = 10.0
"""Seconds that the process may take to end. Killed, it would leave its shared memory behind."""


class Cameras:
    """The process, as the benchmark speaks to it. ``pictures``: an .npy of uint8 ``(cameras, H, W, 3)`` BGR."""

    def __init__(self, pictures: Path, names: Sequence[str], transport: str) -> None:
        self.names, self.sent = tuple(names), 0
        self._process = subprocess.Popen(
            [sys.executable, '-m', 'benchmarks.load.cameras', str(pictures), transport, *names],
            cwd=ROOT,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __enter__(self) -> Cameras:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        try:
            self._process.communicate(timeout=END)  # closes its stdin, and it ends
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    def send(self, rounds: int, rate: float) -> float:
        """Waits until each camera has sent ``rounds`` images; the seconds that it took, which are more than
        ``rounds / rate`` where the machine cannot send as fast."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(f'{rounds} {rate}\n')
        self._process.stdin.flush()
        seconds = float(self._process.stdout.readline() or sys.exit('the process of the cameras has ended'))
        self.sent += rounds
        return seconds


def main() -> None:
    """Sends what is asked for until stdin ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('pictures', type=Path)
    parser.add_argument('transport', choices=('raw', 'compressed'))
    parser.add_argument('names', nargs='+')
    arguments = parser.parse_args()

    import rclpy
    from sensor_msgs.msg import CompressedImage, Image

    from mpn_ros.ros.qos import IMAGE_QOS

    rclpy.init()
    node = rclpy.create_node('cameras')
    senders = []
    for name, picture in zip(arguments.names, np.load(arguments.pictures), strict=True):
        if arguments.transport == 'raw':
            height, width = picture.shape[:2]
            message, topic = Image(encoding='bgr8', width=width, height=height, step=3 * width), f'{name}/image_raw'
            message.data.frombytes(picture.tobytes())
        else:
            message, topic = CompressedImage(format='bgr8; jpeg compressed bgr8'), f'{name}/image_raw/compressed'
            message.data.frombytes(cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes())
        message.header.frame_id = name
        senders.append((node.create_publisher(type(message), topic, IMAGE_QOS), message))
    for line in sys.stdin:
        rounds, rate = line.split()
        start = time.monotonic()
        for number in range(int(rounds) * len(senders)):
            time.sleep(max(0.0, start + number / (float(rate) * len(senders)) - time.monotonic()))
            publisher, message = senders[number % len(senders)]
            message.header.stamp = node.get_clock().now().to_msg()
            publisher.publish(message)
        print(time.monotonic() - start, flush=True)


if __name__ == '__main__':
    main()
