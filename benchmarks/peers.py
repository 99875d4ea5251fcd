"""A race between pose networks that is fair: in turn, in one process, on one runtime and in one precision, image to
people and the graph alone, with COCO AP beside it where there is a dataset:
``python -m benchmarks.peers lite@384 lite@512 movenet-multipose.onnx@384 --images DIR --json FILE``.

Whatever the pipeline can load takes part: our weights, and any ONNX file of a family that it knows (docs/models.md).
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from tqdm import tqdm

from mpn_ros.benchmark.crowds import read_sources
from mpn_ros.commands.output import percent, write_json
from mpn_ros.evaluation.coco_eval import THRESHOLDS, collect
from mpn_ros.evaluation.hardware_info import machine, versions
from mpn_ros.families.backend import FamilyBackend
from mpn_ros.pipeline.pipeline import PosePipeline, Thresholds


@dataclasses.dataclass
class Runner:
    """A network in the race under its ``name``, with the seconds of each answer, and of the graph within it."""

    name: str
    pipeline: PosePipeline
    answers: list[float] = dataclasses.field(default_factory=list)
    graphs: list[float] = dataclasses.field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """p50 and p99 in milliseconds, and what ran."""
        median, last, least = (np.percentile(self.answers, [50, 99, 0]) * 1e3).round(2).tolist()
        graph = round(1e3 * float(np.median(self.graphs)), 2)
        return {
            'p50_ms': median,
            'p99_ms': last,
            'best_ms': least,
            'graph_p50_ms': graph,
            'graph_best_ms': round(1e3 * min(self.graphs), 2),
            'backend': str(self.pipeline.backend.info),  # with the precision
            'input_size': self.pipeline.input_size,
            'refine': self.pipeline.refine,
        }


@contextmanager
def graph_clock() -> Iterator[list[float]]:
    """A list to which each run of a graph in OpenVINO, ours or another's, adds its seconds."""
    seconds: list[float] = []
    run = openvino.CompiledModel.__call__

    def timed(*args: Any, **options: Any) -> Any:
        began = time.perf_counter()
        answer = run(*args, **options)
        seconds.append(time.perf_counter() - began)
        return answer

    openvino.CompiledModel.__call__ = timed
    try:
        yield seconds
    finally:
        openvino.CompiledModel.__call__ = run


def race(runners: list[Runner], images: list[np.ndarray], rounds: int) -> None:
    """Each looks at all ``images`` in each round; the first round prepares and does not count."""
    with graph_clock() as clock:
        for turn in tqdm(range(rounds + 1), 'rounds', disable=None):
            for runner in runners:
                for image in images:
                    clock.clear()
                    began = time.perf_counter()
                    runner.pipeline(image, channel_order='bgr')
                    if turn:
                        runner.answers.append(time.perf_counter() - began)
                        runner.graphs.append(sum(clock))


def average_precision(runner: Runner, args: argparse.Namespace) -> float:
    """Keypoint AP of the dataset, with all that a threshold would keep back."""
    thresholds, runner.pipeline.thresholds = runner.pipeline.thresholds, THRESHOLDS
    answers = collect(runner.pipeline, args.images, args.annotations, args.limit, progress=True, by_shape=True)
    runner.pipeline.thresholds = thresholds
    return float(answers.figures()['keypoints']['AP'])


def make_runner(word: str, args: argparse.Namespace) -> Runner:
    """The network that ``NAME|FILE[@LONG_SIDE]`` means."""
    name, _, size = word.rpartition('@') if '@' in word else (word, '', '')
    pipeline = PosePipeline(
        name,
        input_size=int(size) if size else None,
        backend='openvino',
        device='cpu',
        precision=args.precision,
        refine=args.refine,
        thresholds=Thresholds(),
    )
    runner = Runner(f'{Path(name).stem}@{pipeline.input_size}', pipeline)
    if is_untrained(runner, args) and isinstance(pipeline.backend, FamilyBackend):
        # What it answers means nothing, so that it is not the same in another precision does not matter.
        pipeline.backend._runtime.precisions = pipeline.backend._runtime.precisions[:1]
    return runner


def is_untrained(runner: Runner, args: argparse.Namespace) -> bool:
    """Whether its weights are random."""
    return any(runner.name.startswith(name) for name in args.untrained)


def main() -> None:
    """Prints and writes the figures of all, the fastest first."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('networks', nargs='+', metavar='NAME|FILE[@PIXELS]', help='with the long side of its input')
    parser.add_argument('--images', type=Path, required=True, metavar='DIR', help='pictures')
    parser.add_argument('--annotations', type=Path, metavar='FILE', help="their labels in COCO's layout, for AP")
    parser.add_argument('--limit', type=int, metavar='N', help='AP on the first N images only')
    parser.add_argument(
        '--untrained', nargs='+', default=[], metavar='NAME', help='networks with random weights: no AP'
    )
    parser.add_argument('--precision', default='auto', help='fp32 or bf16, for all (default: %(default)s)')
    parser.add_argument('--refine', type=int, default=0, metavar='N', help='windows of a second look, for all')
    parser.add_argument('--pictures', type=int, default=10, metavar='N', help='to race on (default: %(default)s)')
    parser.add_argument('--rounds', type=int, default=20, help='looks at each picture (default: %(default)s)')
    parser.add_argument('--threads', type=int, default=2, help='cores that all may use (default: %(default)s)')
    parser.add_argument('--json', type=Path, required=True)
    args = parser.parse_args()
    # OpenVINO takes as many threads as there are cores that the process may use.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: args.threads])
    images = read_sources(args.images)
    # Those of the most frequent size: a new one costs a preparation, which is not what is measured.
    sizes = [image.shape for image in images]
    images = [image for image in images if image.shape == max(sizes, key=sizes.count)][: args.pictures]
    runners = [make_runner(word, args) for word in args.networks]
    load = os.getloadavg()
    race(runners, images, args.rounds)
    measured = {runner.name: runner.figures() for runner in sorted(runners, key=lambda runner: min(runner.answers))}
    if args.annotations is not None:
        for runner in runners:
            if not is_untrained(runner, args):
                measured[runner.name]['keypoint_AP'] = average_precision(runner, args)
    for name, row in measured.items():
        print(
            f'{name:28} image to people {row["p50_ms"]:7.2f} ms (best {row["best_ms"]:7.2f})  graph '
            f'{row["graph_p50_ms"]:7.2f} ms (best {row["graph_best_ms"]:7.2f})  AP {percent(row.get("keypoint_AP"))}'
        )
    write_json(
        args.json,
        {
            'networks': measured,
            'images': len(images),
            'image_size': images[0].shape[1::-1],
            'rounds': args.rounds,
            'threads': args.threads,
            'load_before': load,
            'machine': machine(),
            'versions': versions(),
        },
    )


if __name__ == '__main__':
    main()
