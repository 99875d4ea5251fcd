#!/usr/bin/env python3
"""The four-camera clip of pose2sim played to one node as four cameras, over the real middleware: four sets of answers,
the ids of the two main people counted, and an overlay video of each camera.

An image is sent when the one before is answered, so the figures do not depend on how fast the machine is. The clips
are not part of this repository: see tracking.py beside this file.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import rclpy
from builtin_interfaces.msg import Time
from rclpy.node import Node
from rclpy.parameter import Parameter
from tqdm import tqdm
from tracking import LABELS, load_labels

from mpn_ros.evaluation.tracking_metrics import count_identities
from mpn_ros.media import VideoReader, VideoWriter
from mpn_ros.pipeline.draw import draw
from mpn_ros.ros.node import PoseNode
from mpn_ros.testing.simulated_camera import SimulatedCamera, isolate_domain, spin_in_background

PATIENCE = 900.0
"""Seconds for an answer; the first waits for the network to be converted."""


def main() -> None:
    """Prints a row for each person of each camera, and writes rows and overlays."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--clips', type=Path, required=True, metavar='DIR', help='folder of cam01.mp4 to cam04.mp4')
    parser.add_argument('--out', type=Path, required=True, metavar='DIR', help='gets CAMERA.mp4 and four_cameras.json')
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    cameras = list(json.loads(LABELS.read_text())['cameras'])
    with running(cameras) as audience:
        simulated = {name: SimulatedCamera(audience, name) for name in cameras}
        wait(lambda: all(camera.ready() for camera in simulated.values()))
        play(args.clips, simulated)
    rows = []
    print(f'{"camera":7} {"person":12} {"frames":>6} {"missed":>6} {"switches":>8} {"fragmentations":>14}')
    for name, camera in simulated.items():
        results = [answer.result() for answer in camera.log.complete().values()]
        for person, counts in count_identities(load_labels(name), results).items():
            rows.append({'camera': name, 'person': person, **asdict(counts)})
            print(
                f'{name:7} {person:12} {counts.frames:6} {counts.missed:6} {counts.switches:8} '
                f'{counts.fragmentations:14}'
            )
        with (
            VideoReader(args.clips / f'{name}.mp4') as clip,
            VideoWriter(args.out / f'{name}.mp4', clip.fps, clip.width, clip.height) as film,
        ):
            for frame, result in zip(clip, results, strict=True):
                film.write(draw(frame.image, result))
    versions = {key: value for key, value in simulated[cameras[0]].diagnostics.items() if key in ('weights', 'backend')}
    (args.out / 'four_cameras.json').write_text(json.dumps({**versions, 'rows': rows}, indent=2) + '\n')


@contextmanager
def running(cameras: list[str]) -> Iterator[Node]:
    """The node ``pose`` with these cameras, and another one to speak with it, both served by a thread."""
    isolate_domain()
    rclpy.init()
    nodes = [PoseNode(parameter_overrides=[Parameter('cameras', value=cameras)]), rclpy.create_node('audience')]
    try:
        with spin_in_background(*nodes):
            yield nodes[1]
    finally:
        rclpy.shutdown()


def play(clips: Path, simulated: dict[str, SimulatedCamera]) -> None:
    """Sends frame by frame to all cameras, stamped with the clip's time, and waits for all answers to each."""
    videos = [VideoReader(clips / f'{name}.mp4') for name in simulated]
    for frames in tqdm(zip(*videos, strict=True), 'frames', videos[0].expected or None, disable=None):
        for frame, camera in zip(frames, simulated.values(), strict=True):
            camera.send(frame.image, Time(sec=1 + int(frame.time), nanosec=int(frame.time % 1 * 1e9)))
        wait(lambda number=frames[0].index: all(answered(camera, number) for camera in simulated.values()))


def answered(camera: SimulatedCamera, number: int) -> bool:
    """Whether boxes, skeletons and mask of an image have come."""
    answer = camera.log.results.get(number)
    return answer is not None and answer.complete


def wait(condition: Callable[[], bool]) -> None:
    """Returns when ``condition`` holds. Raises SystemExit with a sentence if it never does."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f'four_cameras: no answer within {PATIENCE:g} s')
        time.sleep(0.01)


if __name__ == '__main__':
    main()
