"""What ``full_look_every`` gives and costs on videos: ``python -m benchmarks.stream_looks --help``.

Between two looks at the whole image, windows alone are looked at, where the tracker expects people, as the node does.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

from mpn_ros.commands.output import write_json
from mpn_ros.evaluation.hardware_info import machine, versions
from mpn_ros.media import VideoReader
from mpn_ros.pipeline.pipeline import PosePipeline
from mpn_ros.result import Person
from mpn_ros.tracking.affinity import affinity
from mpn_ros.tracking.tracker import Tracker

SAME = 0.5
"""The affinity from which a person of one run is that of another."""


def run(pipeline: PosePipeline, frames: list[tuple[float, np.ndarray]], every: int) -> tuple[list[Any], list[float]]:
    """The results of a clip, under ids, and the seconds of each."""
    tracker, results, seconds, since = Tracker(), [], [], every
    for moment, image in frames:
        start = time.perf_counter()
        boxes = tracker.expected(moment) if since < every else np.empty((0, 4))
        [result] = pipeline.batch([image], 'bgr', [boxes if len(boxes) else None])
        since = 1 if result.whole else since + 1
        results.append(tracker.update(result, moment))
        seconds.append(time.perf_counter() - start)
    return results, seconds


def same_people(ours: tuple[Person, ...], theirs: tuple[Person, ...]) -> int:
    """How many of ``theirs`` are among ``ours``."""
    if not ours or not theirs:
        return 0
    boxes, others = (np.array([person.box for person in people]) for people in (theirs, ours))
    poses, other_poses = (np.array([person.keypoints for person in people]) for people in (theirs, ours))
    alike = affinity(boxes, poses, others, other_poses)
    return int((alike.max(1) >= SAME).sum())


def compare(results: list[Any], whole: list[Any]) -> dict[str, Any]:
    """What a run finds beside a run that looks at every whole image, and how long new people wait for a skeleton."""
    both = sum(same_people(a.people, b.people) for a, b in zip(results, whole))
    ours, theirs = (sum(len(result.people) for result in run) for run in (results, whole))
    waits: list[int] = []
    first: dict[int, int] = {}
    for number, (result, reference) in enumerate(zip(results, whole)):
        for person in reference.people:
            if person.id is not None:
                first.setdefault(person.id, number)
                if first[person.id] >= 0 and same_people(result.people, (person,)):
                    waits.append(number - first[person.id])
                    first[person.id] = -1
    return {
        'people': ours,
        'people_whole': theirs,
        'both': both,
        'whole_only': theirs - both,
        'windows_only': ours - sum(same_people(b.people, a.people) for a, b in zip(results, whole)),
        'ids': len({person.id for result in results for person in result.people if person.id is not None}),
        'ids_whole': len({person.id for result in whole for person in result.people if person.id is not None}),
        'frames_until_new_mean': round(float(np.mean(waits)), 2) if waits else None,
        'frames_until_new_max': max(waits, default=None),
        'never_found': sum(number >= 0 for number in first.values()),
    }


def main() -> None:
    """Measures each clip with each setting, prints a table, and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('clips', type=Path, nargs='+', metavar='VIDEO')
    parser.add_argument('--every', type=int, nargs='+', default=[1, 3, 5], metavar='N')
    parser.add_argument('--frames', type=int, default=150, metavar='N', help='the first of each (default: %(default)s)')
    parser.add_argument('--refine', type=int, default=8, metavar='N')
    parser.add_argument('--json', type=Path, required=True, metavar='OUT')
    args = parser.parse_args()
    pipeline, rows = PosePipeline(refine=args.refine), []
    pipeline.warm()
    print(
        '| clip | every | ms mean | ms p95 | people (whole run) | both | whole only | windows only | ids (whole run) '
        '| frames until a new person: mean, max |'
    )
    print('|' + ' --- |' * 10)
    for clip in args.clips:
        with VideoReader(clip) as video:
            frames = [(frame.time, frame.image) for frame, _ in zip(video, range(args.frames))]
        run(pipeline, frames[:5], 1)
        whole: list[Any] | None = None
        for every in dict.fromkeys([1, *args.every]):
            results, seconds = run(pipeline, frames, every)
            whole = whole or results
            row = {
                'clip': clip.name,
                'every': every,
                'frames': len(frames),
                'ms_mean': round(1000 * float(np.mean(seconds)), 2),
                'ms_p95': round(1000 * float(np.percentile(seconds, 95)), 2),
                **compare(results, whole),
            }
            rows.append(row)
            cells = [
                row['clip'],
                every,
                row['ms_mean'],
                row['ms_p95'],
                f'{row["people"]} ({row["people_whole"]})',
                row['both'],
                row['whole_only'],
                row['windows_only'],
                f'{row["ids"]} ({row["ids_whole"]})',
                f'{row["frames_until_new_mean"]}, {row["frames_until_new_max"]}',
            ]
            print('| ' + ' | '.join(map(str, cells)) + ' |', flush=True)
    write_json(args.json, {'refine': args.refine, 'rows': rows, 'machine': machine(), 'versions': versions()})


if __name__ == '__main__':
    main()
