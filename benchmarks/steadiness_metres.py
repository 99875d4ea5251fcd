"""How the positions of a person tremble, lag, and come and go in metres, with smoothing and without: see ``--help``.

The person is simulated (``benchmarks.simulated_person``), so that the truth is known: what the same code finds without
the errors of depth camera and network. All goes through the node's own outputs, without a node.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from mpn_ros.msg import Keypoint3D
from std_msgs.msg import Header

from benchmarks.simulated_person import CAMERA, HEIGHT, STRIDE, WIDTH, Seen, Sensors, joints
from mpn_ros.camera_model import CameraModel
from mpn_ros.commands.output import write_json
from mpn_ros.depth.back_projection import Keypoints3D, back_project
from mpn_ros.evaluation.hardware_info import machine, versions
from mpn_ros.parameters import Parameters
from mpn_ros.result import Person, PoseResult
from mpn_ros.ros.outputs.positions import EstimatedPositions, Positions
from mpn_ros.ros.outputs.spatial_output import Located, SpatialOutput
from mpn_ros.serving.frames import DecodedFrame
from mpn_ros.serving.statistics import FrameStatistics

SECONDS, RATES, DISTANCES = 20.0, (30, 10), (3.0, 5.0)
RADIUS, SPEED = 1.0, 1.0
"""Metres of the circle that who walks goes around, and metres a second."""
SETTLED = 1.0
"""Seconds at the beginning that are not measured."""
LAGS = np.arange(0, 0.3001, 0.002)
"""Seconds of lag that are tried."""


class _Measured(Positions):
    """As with a depth camera whose image came with the colour image."""

    source = Keypoint3D.MEASURED
    depth: np.ndarray

    def _locate(self, frame: DecodedFrame, result: PoseResult, model: CameraModel, depth: object) -> Keypoints3D:
        return back_project(result.keypoints, self.depth, model)


class _Kept(SpatialOutput):
    def __init__(self) -> None:
        self.points: list[np.ndarray] = []

    def publish(self, located: Located) -> None:
        self.points.append(located.keypoints.points[0])


def located(images: Sequence[Seen], rate: float, smoothing: str, measured: bool) -> np.ndarray:
    """Positions ``(T, 17, 3)`` that the node tells, NaN where it tells none."""
    kept, statistics = _Kept(), FrameStatistics()
    calibration = SimpleNamespace(model=lambda width, height: CAMERA)
    kind = _Measured if measured else EstimatedPositions
    positions = kind(calibration, statistics, [kept])
    settings = replace(Parameters(), smoothing=smoothing)
    for number, seen in enumerate(images):
        header = Header()
        header.stamp.sec, header.stamp.nanosec = divmod(round((100 + number / rate) * 1e9), 10**9)
        frame = DecodedFrame(header, None, 100 + number / rate, float('nan'), 0.0, settings)
        person = Person(seen.box.astype(np.float32), 0.9, seen.keypoints.astype(np.float32), 1)
        positions.depth = seen.depth
        positions.publish(frame, PoseResult((person,), None, (WIDTH, HEIGHT)))
        assert len(kept.points) == number + 1, statistics.snapshot()
    return np.array(kept.points)


def path(moves: bool, distance: float, rate: float) -> list[np.ndarray]:
    """The joints of each image of one who stands, facing the camera, or walks around a circle."""
    found = []
    for seconds in np.arange(0, SECONDS, 1 / rate):
        if moves:
            angle = SPEED / RADIUS * seconds
            place = np.array([RADIUS * np.sin(angle), distance + RADIUS - RADIUS * np.cos(angle)])
            found.append(joints(place, angle, 2 * np.pi * STRIDE * seconds))
        else:
            found.append(joints(np.array([0, distance]), -np.pi / 2, None))
    return found


def seen(way: Sequence[np.ndarray], rate: float) -> tuple[list[Seen], list[Seen]]:
    """The images of perfect sensors, and of real ones."""
    perfect, real = Sensors(rate, perfect=True), Sensors(rate)
    return [perfect.look(points) for points in way], [real.look(points) for points in way]


def figures(truth: np.ndarray, shown: np.ndarray, rate: float, moves: bool) -> dict[str, Any]:
    """Tremble, error, lag and flicker; positions ``(T, K, 3)`` are compared where both have one."""
    begin = round(SETTLED * rate)
    truth, shown = truth[begin:], shown[begin:]
    visible = np.isfinite(shown[..., 0])
    error = np.linalg.norm(shown - truth, axis=-1)
    steps = np.linalg.norm(np.diff(shown, axis=0) - np.diff(truth, axis=0), axis=-1)
    changes = (visible[1:] != visible[:-1]).sum() / (len(visible) / rate) * 60
    return {
        'tremble_mm': round(1000 * float(np.nanmean(steps)), 1),
        'error_mm': round(1000 * float(np.nanmedian(error)), 1),
        'lag_ms': round(1000 * lag(truth, shown, rate)) if moves else None,
        'changes_a_minute': round(float(changes)),
    }


def lag(truth: np.ndarray, shown: np.ndarray, rate: float) -> float:
    """Seconds by which ``shown`` comes after ``truth``, by the smallest mean distance of both."""
    moments = np.arange(len(truth)) / rate
    inner = moments >= LAGS[-1]
    late = [[np.interp(moments[inner] - by, moments, axis) for axis in truth.reshape(len(truth), -1).T] for by in LAGS]
    off = [
        np.nanmean(np.linalg.norm(np.array(axes).T.reshape(-1, *truth.shape[1:]) - shown[inner], axis=-1))
        for axes in late
    ]
    return float(LAGS[int(np.argmin(off))])


def main() -> None:
    """Measures, prints a table and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--json', type=Path, required=True, metavar='OUT')
    args = parser.parse_args()
    rows = []
    print('| positions | metres | Hz | smoothing | tremble, mm | error, mm | error walking, mm | lag, ms | come, go |')
    print('|' + ' --- |' * 9)
    for distance, rate in product(DISTANCES, RATES):
        images = {moves: seen(path(moves, distance, rate), rate) for moves in (False, True)}
        for measured, smoothing in product((True, False), ('off', 'spatial')):
            stands, walks = (
                figures(
                    located(images[moves][0], rate, 'off', measured),
                    located(images[moves][1], rate, smoothing, measured),
                    rate,
                    moves,
                )
                for moves in (False, True)
            )
            name = 'measured' if measured else 'estimated'
            case = {'positions': name, 'distance_m': distance, 'hz': rate, 'smoothing': smoothing}
            rows.append({**case, 'stands': stands, 'walks': walks})
            cells = (
                stands['tremble_mm'],
                stands['error_mm'],
                walks['error_mm'],
                walks['lag_ms'],
                stands['changes_a_minute'],
            )
            print('| ' + ' | '.join(map(str, (*case.values(), *cells))) + ' |', flush=True)
    write_json(args.json, {'rows': rows, 'machine': machine(), 'versions': versions()})


if __name__ == '__main__':
    main()
