"""What the node adds to the pipeline's own time, on images of 1280x720 over the real middleware, without the transport:
``python -m benchmarks.node_time --clip FILE --json FILE``.

The node tells its latency, from the receipt of an image to its answer, and how much of it was inference; the rest,
waiting, decoding and publishing, is the overhead. Boxes, skeletons and mask have listeners.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import rclpy

from benchmarks.node_process import node_process, refine_argument
from mpn_ros.commands.output import write_json
from mpn_ros.evaluation.hardware_info import machine, versions
from mpn_ros.media import VideoReader
from mpn_ros.serving.statistics import WINDOW
from mpn_ros.testing.simulated_camera import SimulatedCamera, isolate_domain, spin_in_background

SIZE = 1280, 720
PATIENCE = 120.0
"""Seconds for the first answer, which waits for the network to be converted."""
PARTS = 'latency', 'wait', 'decode', 'inference', 'tracking', 'publish', 'overhead'


def main() -> None:
    """Prints and writes p50 of each part in milliseconds, and what the node adds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--clip', type=Path, required=True, help='a video with people in it')
    parser.add_argument('--rate', type=float, default=10.0, help='images a second; few enough that all are answered')
    parser.add_argument('--seconds', type=float, default=30.0)
    parser.add_argument('--refine', type=int, help="most windows of the second look (the node's own by default)")
    parser.add_argument('--json', type=Path, required=True)
    args = parser.parse_args()
    with VideoReader(args.clip) as video:
        images = [cv2.resize(frame.image, SIZE, interpolation=cv2.INTER_AREA) for frame in itertools.islice(video, 30)]
    isolate_domain()
    rclpy.init()
    listener = rclpy.create_node('node_time')
    with node_process(*refine_argument(args.refine)), spin_in_background(listener):
        camera = SimulatedCamera(listener)
        wait(camera.ready)
        for image in images[:3]:
            camera.send(image)
            wait(lambda: len(camera.log.complete()) > 0)
        camera.play(
            itertools.islice(itertools.cycle(images), int(args.rate * max(args.seconds, 2 * WINDOW))),
            args.rate,
            lambda: True,
        )
        facts = camera.diagnostics
    rclpy.shutdown()
    parts = {part: float(facts[f'{part} p50 (ms)']) for part in PARTS}
    for part, milliseconds in parts.items():
        print(f'{part:18} {milliseconds:7.2f} ms')
    write_json(
        args.json,
        {
            'p50_ms': parts,
            'size': SIZE,
            'rate': args.rate,
            'refine': args.refine,
            'counts': {name: int(facts[name]) for name in ('received', 'answered', 'dropped', 'missed')},
            'machine': machine(),
            'versions': versions(),
        },
    )


def wait(condition: Callable[[], bool]) -> None:
    """Returns when ``condition()`` holds; ends the program with a sentence if it never does."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            sys.exit(f'node_time: the node has not answered within {PATIENCE:g} s')
        time.sleep(0.01)


if __name__ == '__main__':
    main()
