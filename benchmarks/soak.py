"""Whether anything grows while the node runs: `python -m benchmarks.soak --minutes 60 --clip FILE --json FILE
--plot FILE`.

The node's own process answers a camera of 640x480, at 15 Hz unless told otherwise, which plays a clip with people to
and fro; its memory but for that of files, its descriptors and threads are read from /proc once a second. The first
fifth, in which caches fill, does not count for the slopes.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import time
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import cv2
import numpy as np
import rclpy
from mpn_ros.msg import SkeletonArray
from rclpy.time import Time
from sensor_msgs.msg import Image

from benchmarks.node_process import check, node_process, private_memory
from mpn_ros import __version__
from mpn_ros.media import VideoReader
from mpn_ros.testing.simulated_camera import isolate_domain

WIDTH, HEIGHT = 640, 480
FRAMES = 90
"""How much of the clip is played."""
COLUMNS = 'private memory (MiB)', 'descriptors', 'threads', 'latency (ms)'


def measure(process: int, latency: float) -> tuple[float, float, float, float]:
    """The values of ``COLUMNS`` for a process of that id."""
    folder = Path('/proc') / str(process)
    return (private_memory(process), len(os.listdir(folder / 'fd')), len(os.listdir(folder / 'task')), latency)


def read(clip: Path) -> list[Image]:
    """The clip, forwards and then back, as messages without a stamp."""
    with VideoReader(clip) as video:
        frames = [cv2.resize(frame.image, (WIDTH, HEIGHT)) for frame in itertools.islice(video, FRAMES)]
    messages = []
    for frame in frames + frames[-2:0:-1]:
        message = Image(encoding='bgr8', width=WIDTH, height=HEIGHT, step=3 * WIDTH)
        message.data.frombytes(frame.tobytes())
        messages.append(message)
    return messages


def soak(
    minutes: float, rate: float, images: Sequence[Image], arguments: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, Counter[str]]:
    """Seconds since the start ``(n,)`` and the measurements ``(n, 4)``, one a second, from the first answer on; how
    many images were sent, answers and people heard. ``rate`` in Hz; ``arguments`` are the node's."""
    rclpy.init()
    tester = rclpy.create_node('soak')
    latencies: list[float] = []
    counts = Counter[str]()

    def hear(answer: SkeletonArray) -> None:
        latencies.append((tester.get_clock().now() - Time.from_msg(answer.header.stamp)).nanoseconds / 1e6)
        counts.update(answers=1, people=len(answer.skeletons))

    tester.create_subscription(SkeletonArray, 'skeletons', hear, 10)
    tester.create_subscription(Image, 'mask', lambda mask: None, 10)
    camera = tester.create_publisher(Image, 'image_raw', 1)
    seconds, rows, started, last = [], [], 0.0, 0.0
    with node_process(*arguments) as node:
        while not started or time.monotonic() - started < 60 * minutes:
            image = images[counts['images'] % len(images)]
            image.header.stamp = tester.get_clock().now().to_msg()
            camera.publish(image)
            counts['images'] += 1
            due = time.monotonic() + 1 / rate
            while time.monotonic() < due:
                rclpy.spin_once(tester, timeout_sec=max(0.0, due - time.monotonic()))
            check(node)
            if latencies and time.monotonic() - last >= 1:
                last = time.monotonic()
                started = started or last
                seconds.append(last - started)
                rows.append(measure(node.pid, float(np.median(latencies))))
                latencies.clear()
    rclpy.shutdown()
    return np.array(seconds), np.array(rows), counts


def main() -> None:
    """Soaks, tells the slopes, and writes them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--minutes', type=float, default=60.0)
    parser.add_argument('--rate', type=float, default=15.0, metavar='HZ', help='images a second')
    parser.add_argument('--clip', type=Path, required=True, help='a video with people in it')
    parser.add_argument('-p', dest='parameters', action='append', default=[], metavar='NAME:=VALUE', help="the node's")
    parser.add_argument('--json', type=Path, required=True)
    parser.add_argument('--plot', type=Path, required=True)
    arguments = parser.parse_args()
    isolate_domain()
    parameters = [word for parameter in arguments.parameters for word in ('-p', parameter)]
    seconds, rows, counts = soak(arguments.minutes, arguments.rate, read(arguments.clip), parameters)
    counted = seconds >= seconds[-1] / 5
    slopes = {
        name: float(np.polyfit(seconds[counted] / 3600, column[counted], 1)[0])
        for name, column in zip(COLUMNS, rows.T, strict=True)
    }
    last = dict(zip(COLUMNS, rows[-1].tolist(), strict=True))
    result = {
        'date': date.today().isoformat(),
        'minutes': arguments.minutes,
        'rate': arguments.rate,
        'parameters': arguments.parameters,
        'measurements': len(rows),
        **counts,
        'slope an hour': slopes,
        'last': last,
        'versions': {'mpn_ros': __version__, 'python': platform.python_version()},
    }
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(result, indent=2) + '\n')
    print(json.dumps(result, indent=2))

    from matplotlib.figure import Figure

    figure = Figure((8, 8), layout='constrained')
    for axes, name, column in zip(figure.subplots(len(COLUMNS), 1, sharex=True), COLUMNS, rows.T, strict=True):
        axes.plot(seconds / 60, column)
        axes.set_ylabel(name)
    axes.set_xlabel('minutes')
    figure.savefig(arguments.plot)


if __name__ == '__main__':
    main()
