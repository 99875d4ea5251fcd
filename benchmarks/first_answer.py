"""How long a start takes until people are answered, with an empty cache and with a full one, and where the time goes:
``python -m benchmarks.first_answer --images DIR --json FILE``.

Each start is an interpreter of its own. ``--source`` measures another checkout of this repository, with the libraries
of this environment.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.node_process import ROOT
from mpn_ros.commands.output import write_json
from mpn_ros.evaluation.hardware_info import machine, versions

# In the names that both checkouts have. Times are of the clock that all processes share.
LIBRARY = """
import json, sys, time
from pathlib import Path
times = [('interpreter', time.monotonic())]
def lap(name):
    times.append((name, time.monotonic()))
import numpy as np, cv2
lap('numpy, OpenCV')
from mpn_ros.pipeline.pipeline import PosePipeline
lap('the library')
pipeline = PosePipeline('lite')
lap('weights, backend')
image = cv2.imread(sys.argv[1])
first = image.shape
lap('reading the image')
pipeline(image, 'bgr')
lap('first answer')
pipeline(cv2.resize(image, first[:2]), 'bgr')
lap('first of another shape')
pipeline.warm()
lap('all windows')
for name in sys.argv[1:]:
    pipeline(cv2.resize(cv2.imread(name), first[1::-1]), 'bgr')
lap('all images at one shape')
status = Path('/proc/self/status').read_text()
print(json.dumps({'times': times, 'private_MiB': int(status.partition('RssAnon:')[2].split()[0]) / 1024,
                  'images': len(sys.argv) - 1, 'loaded': sorted({'torch', 'scipy'} & set(sys.modules))}))
"""
# The node's parts end with its own words, which come by /rosout with the time of day at which they were said.
NODE = """
import json, sys, time
import cv2, rclpy
from rcl_interfaces.msg import Log
from rclpy.qos import DurabilityPolicy, QoSProfile
from benchmarks.node_process import node_process, private_memory
from mpn_ros.testing.simulated_camera import SimulatedCamera, isolate_domain, spin_in_background
images = [cv2.imread(name) for name in sys.argv[1:]]
images = [cv2.resize(image, (640, 480)) for image in images]
isolate_domain()
rclpy.init()
listener = rclpy.create_node('first_answer')
camera, words = SimulatedCamera(listener), []
words_qos = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)
listener.create_subscription(Log, '/rosout', words.append, words_qos)
started, day = time.monotonic(), time.time() - time.monotonic()
found = first = None
with node_process() as node, spin_in_background(listener):
    while first is None and time.monotonic() < started + 120:  # a camera that streams, whoever listens
        camera.send(images[0])
        time.sleep(.05)
        if found is None and camera.listened_to():
            found = time.monotonic()
        if camera.log.complete():
            first = time.monotonic()
    while not camera.ready():
        time.sleep(.05)
    for image in images:
        count = len(camera.log.complete())
        number = camera.send(image)
        end = time.monotonic() + 5
        while number not in camera.log.complete() and time.monotonic() < end:
            time.sleep(.005)
    private = private_memory(node.pid)
said = [(word.stamp.sec + word.stamp.nanosec / 1e9 - day, word.msg) for word in words if word.name == 'pose']
configured = next(moment for moment, sentence in said if sentence.startswith('configured'))
times = [('interpreter, ROS', said[0][0]), ('weights, backend, topics', configured),
         ('found by the camera', found), ('first answer', first)]
print(json.dumps({'began': started, 'times': times, 'private_MiB': private,
                  'answered': len(camera.log.complete())}))
rclpy.shutdown()
"""


def main() -> None:
    """Prints and writes the seconds of each part of a start, cold and warm, the cache's size and the memory held."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        '--images', type=Path, required=True, metavar='DIR', help='photographs; those of one shape lead'
    )
    parser.add_argument('--count', type=int, default=100, metavar='N', help='how many (default: %(default)s)')
    parser.add_argument('--source', type=Path, default=ROOT, metavar='DIR', help='the checkout to measure')
    parser.add_argument('--repeats', type=int, default=3, metavar='N', help='warm starts (default: %(default)s)')
    parser.add_argument('--no-node', action='store_true', help='without ROS')
    parser.add_argument('--json', type=Path, required=True)
    args = parser.parse_args()
    names = [str(path.resolve()) for path in sorted(args.images.iterdir())[: args.count]]
    with tempfile.TemporaryDirectory() as cache:
        environment = {
            **os.environ,
            'XDG_CACHE_HOME': cache,
            'PYTHONPATH': str(args.source.resolve()),
            'PYTHONPYCACHEPREFIX': f'{cache}/bytecode',  # made by the first start, as in a fresh environment
        }
        environment.pop('PYTHONDONTWRITEBYTECODE', None)
        starts = [start(LIBRARY, names, environment) for _ in range(1 + args.repeats)]
        size = sum(file.stat().st_size for file in Path(cache, 'mpn_ros').rglob('*') if file.is_file())
        commands = [infer(names[0], environment) for _ in range(args.repeats)]
        nodes = [] if args.no_node else [start(NODE, names, environment) for _ in range(1 + args.repeats)][1:]
    figures: dict[str, Any] = {
        'library': {'cold': starts[0], 'warm': starts[1:]},
        'cache_MB': round(size / 1e6, 1),
        'mpn infer, one picture, warm (s)': commands,
        'node, warm': nodes,
        'load': os.getloadavg(),
        'machine': machine(),
        'versions': versions(),
    }
    for title, run in (('cold', starts[0]), ('warm', starts[-1])):
        print(f'{title}: ' + ', '.join(f'{name} {seconds:.2f}' for name, seconds in run['seconds'].items()))
    print(
        f'private after {starts[-1]["images"]} images: {starts[-1]["private_MiB"]:.0f} MiB, cache {size / 1e6:.1f} MB'
    )
    print(f'mpn infer: {commands} s')
    for node in nodes:
        parts = ', '.join(f'{name} {seconds:.2f}' for name, seconds in node['seconds'].items())
        print(f'node: {node["until_first_answer"]:.2f} s: {parts}; {node["private_MiB"]:.0f} MiB')
    write_json(args.json, figures)


def start(program: str, names: list[str], environment: dict[str, str]) -> dict[str, Any]:
    """What ``program`` prints; where it has times, the seconds of each part, whose sum is that of the process."""
    began = time.monotonic()
    ended = subprocess.run(
        [sys.executable, '-c', program, *names],
        cwd=environment['PYTHONPATH'],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        sys.exit(ended.stderr)
    told: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    if times := told.pop('times', None):
        began = told.pop('began', began)
        ends = [began, *(moment for _, moment in times)]
        told['seconds'] = {name: round(end - last, 3) for (name, end), last in zip(times, ends)}
        until = [name for name, _ in times].index('first answer')
        told['until_first_answer'] = round(times[until][1] - began, 3)
    return told


def infer(picture: str, environment: dict[str, str]) -> float:
    """Seconds that ``mpn infer`` takes for one picture, with its overlay."""
    with tempfile.TemporaryDirectory() as out:
        began = time.monotonic()
        subprocess.run(
            [sys.executable, '-m', 'mpn_ros.cli', 'infer', picture, '--out', out],
            cwd=environment['PYTHONPATH'],
            env=environment,
            check=True,
            capture_output=True,
        )
        return round(time.monotonic() - began, 2)


if __name__ == '__main__':
    main()
