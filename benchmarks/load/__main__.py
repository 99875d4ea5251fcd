"""Cameras of 1280x720 on one node, eight at 30 Hz by default: `python -m benchmarks.load --clip FILE --json FILE`, once
with raw images and once with JPEG. The cameras have a process of their own, which takes its part of the processor."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from datetime import date
from pathlib import Path

import cv2
import numpy as np
import rclpy

from benchmarks.load.cameras import Cameras
from benchmarks.load.measure import measure
from benchmarks.node_process import node_process, refine_argument
from mpn_ros.errors import MpnError
from mpn_ros.evaluation.hardware_info import machine, versions
from mpn_ros.media import VideoReader
from mpn_ros.testing.simulated_camera import isolate_domain, spin_in_background

WIDTH, HEIGHT = 1280, 720


def stills(clip: Path, cameras: int) -> np.ndarray:
    """uint8 ``(cameras, HEIGHT, WIDTH, 3)`` BGR: frames of the clip at full height, side by side until the width is
    filled."""
    with VideoReader(clip) as video:
        frames = [frame.image for frame, _ in zip(video, range(cameras), strict=False)]
    pictures = []
    for frame in frames:
        height, width = frame.shape[:2]
        scaled = cv2.resize(frame, (round(width * HEIGHT / height), HEIGHT), interpolation=cv2.INTER_AREA)
        pictures.append(np.tile(scaled, (1, -(-WIDTH // scaled.shape[1]), 1))[:, :WIDTH])
    return np.resize(np.stack(pictures), (cameras, HEIGHT, WIDTH, 3))


def load(
    pictures: Path, transport: str, seconds: int, count: int, rate: int, refine: int | None = None
) -> dict[str, float]:
    """What ``measure`` says of a new node with the weights that ship."""
    names = [f'camera{number}' for number in range(count)]
    parameters = ['-p', f'cameras:=[{", ".join(names)}]', '-p', f'image_transport:={transport}']
    rclpy.init()
    listener = rclpy.create_node('load')
    with (
        node_process(*parameters, *refine_argument(refine)) as node,
        Cameras(pictures, names, transport) as cameras,
        spin_in_background(listener),
    ):
        result = measure(listener, node.pid, cameras, seconds, rate)
    rclpy.shutdown()
    return result


def main() -> None:
    """Loads the node with raw images, then with JPEG, and writes what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--clip', type=Path, required=True, help='a video with people in it')
    parser.add_argument('--seconds', type=int, default=60)
    parser.add_argument('--cameras', type=int, default=8)
    parser.add_argument('--rate', type=int, default=30, help='images a second of each camera')
    parser.add_argument('--refine', type=int, help="most windows of the second look (the node's own by default)")
    parser.add_argument('--json', type=Path, required=True)
    arguments = parser.parse_args()
    isolate_domain()
    result = {
        'date': date.today().isoformat(),
        'seconds': arguments.seconds,
        'cameras': arguments.cameras,
        'rate': arguments.rate,
        'refine': arguments.refine,
        'size': [WIDTH, HEIGHT],
    }
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder) / 'pictures.npy'
        try:
            np.save(pictures, stills(arguments.clip, arguments.cameras))
        except MpnError as error:
            sys.exit(f'load: {error}')
        for transport in ('raw', 'compressed'):
            result[transport] = load(
                pictures, transport, arguments.seconds, arguments.cameras, arguments.rate, arguments.refine
            )
    result |= {'machine': machine(), 'versions': versions()}
    text = json.dumps(result, indent=2) + '\n'
    print(text)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(text)


if __name__ == '__main__':
    main()
