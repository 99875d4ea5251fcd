"""How keypoints tremble, lag, and come and go on videos, with smoothing and without: see ``--help``.

There is no truth: a keypoint's own path, smoothed over a quarter of a second to both sides, takes its place, and its
speed tells what stands and what moves.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.signal import savgol_filter

from mpn_ros.commands.output import write_json
from mpn_ros.evaluation.hardware_info import machine, versions
from mpn_ros.media import VideoReader
from mpn_ros.pipeline.pipeline import PosePipeline
from mpn_ros.result import PoseResult
from mpn_ros.tracking.smoothing import KeypointSmoother, person_sizes
from mpn_ros.tracking.tracker import Tracker

REACH = 0.25
"""Seconds to both sides over which the path that takes the place of truth is smoothed."""
STANDS, WALKS = 0.15, 0.4
"""Speed of a keypoint, in sizes of the person a second, below which it stands and from which it moves."""
LAGS = np.arange(0, 0.2501, 0.002)
"""Seconds of lag that are tried."""


def look(pipeline: PosePipeline, clip: Path, frames: int, every: int) -> tuple[list[float], list[PoseResult]]:
    """Times and results, under ids, of every ``every``-th frame of a clip."""
    tracker, times, results = Tracker(), [], []
    with VideoReader(clip) as video:
        for number, frame in enumerate(video):
            if number >= frames * every:
                break
            if number % every == 0:
                times.append(frame.time)
                results.append(tracker.update(pipeline(frame.image, 'bgr'), frame.time))
    return times, results


def paths(results: Sequence[PoseResult]) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """By id: positions ``(T, K, 2)``, NaN where there is none, and sizes ``(T,)``, NaN where the person is not."""
    found: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    for moment, result in enumerate(results):
        for person in result.people:
            if person.id is not None:
                empty = np.full((len(results), len(result.layout), 2), np.nan), np.full(len(results), np.nan)
                points, size = found.setdefault(person.id, empty)
                points[moment], size[moment] = person.keypoints[:, :2], person_sizes(person.box[None])[0]
    return found


def runs(there: np.ndarray, least: int) -> list[slice]:
    """The stretches of ``there`` ``(T,)`` bool that last at least so long."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], there, [False]])))
    return [slice(a, b) for a, b in zip(edges[::2], edges[1::2]) if b - a >= least]


def measure(raw: Sequence[PoseResult], shown: Sequence[PoseResult], times: Sequence[float]) -> dict[str, Any]:
    """Tremble, lag and flicker of what is ``shown``; what stands and what moves is told by ``raw``."""
    step = float(np.median(np.diff(times)))
    window = 2 * round(REACH / step) + 1
    tremble, tremble_px, lags, changes, seconds = [], [], [], 0, 0.0
    before, after = paths(raw), paths(shown)
    for person, (points, size) in before.items():
        steady = after[person][0]
        here = np.isfinite(size)
        visible = np.isfinite(steady[..., 0])
        together = here[1:] & here[:-1]
        changes += int((visible[1:] != visible[:-1])[together].sum())
        seconds += float(together.sum()) * step
        for joint in range(points.shape[1]):
            both = np.isfinite(points[:, joint, 0]) & visible[:, joint]
            for run in runs(both, 2 * window):
                truth = savgol_filter(points[run, joint], window, 2, axis=0)
                speed = np.linalg.norm(np.gradient(truth, step, axis=0), axis=-1) / size[run]
                stands = speed < STANDS
                steps = np.linalg.norm(np.diff(steady[run, joint], axis=0), axis=-1)[stands[1:] & stands[:-1]]
                tremble_px += steps.tolist()
                tremble += (steps / size[run][1:][stands[1:] & stands[:-1]]).tolist()
                for part in runs(speed > WALKS, window):
                    lags.append(lag(truth[part], steady[run, joint][part], step))
    kept = [value for value in lags if value is not None]
    return {
        'person_seconds': round(seconds, 1),
        'standing_steps': len(tremble),
        'tremble_px': round(float(np.mean(tremble_px)), 3) if tremble else None,
        'tremble_of_size': round(float(np.mean(tremble)), 5) if tremble else None,
        'moving_stretches': len(kept),
        'lag_ms': round(1000 * float(np.median(kept)), 1) if kept else None,
        'changes_a_minute': round(60 * changes / seconds, 1) if seconds else None,
    }


def lag(truth: np.ndarray, shown: np.ndarray, step: float) -> float | None:
    """Seconds by which ``shown`` ``(T, 2)`` comes after ``truth``; None where the stretch is too short to tell."""
    moments = np.arange(len(truth)) * step
    inner = moments > LAGS[-1]
    if inner.sum() < 5:
        return None
    errors = [
        sum(
            ((np.interp(moments[inner] - by, moments, truth[:, axis]) - shown[inner, axis]) ** 2).sum()
            for axis in (0, 1)
        )
        for by in LAGS
    ]
    return float(LAGS[int(np.argmin(errors))])


def smoothed(results: Sequence[PoseResult], times: Sequence[float]) -> list[PoseResult]:
    """The results as the node's parameter ``smoothing`` shows them."""
    smoother = KeypointSmoother()
    return [smoother.smooth(result, moment) for result, moment in zip(results, times, strict=True)]


def main() -> None:
    """Measures each clip, prints a table and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('clips', type=Path, nargs='+', metavar='VIDEO')
    parser.add_argument('--frames', type=int, default=300, metavar='N', help='of each (default: %(default)s)')
    parser.add_argument('--every', type=int, default=1, metavar='N', help='only every N-th frame, as a slow robot does')
    parser.add_argument('--json', type=Path, required=True, metavar='OUT')
    args = parser.parse_args()
    pipeline, rows = PosePipeline(), []
    print('| clip | Hz | smoothing | tremble, px a frame | % of the size | lag, ms | come and go a minute and person |')
    print('|' + ' --- |' * 7)
    for clip in args.clips:
        times, raw = look(pipeline, clip, args.frames, args.every)
        rate = round(1 / float(np.median(np.diff(times))), 1)
        for name, shown in (('off', raw), ('on', smoothed(raw, times))):
            row = {'clip': clip.name, 'hz': rate, 'frames': len(times), 'smoothing': name, **measure(raw, shown, times)}
            rows.append(row)
            size = None if row['tremble_of_size'] is None else round(100 * row['tremble_of_size'], 2)
            cells = (row['clip'], rate, name, row['tremble_px'], size, row['lag_ms'], row['changes_a_minute'])
            print('| ' + ' | '.join(map(str, cells)) + ' |', flush=True)
    write_json(args.json, {'rows': rows, 'machine': machine(), 'versions': versions()})


if __name__ == '__main__':
    main()
