"""``mpn bench``: how long each step from an image to people takes here."""

from __future__ import annotations

import argparse
import resource
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mpn_ros.commands.pipeline_options import add_refine_argument
from mpn_ros.errors import BackendUnavailable, ParameterError, WeightsError
from mpn_ros.presets import PRESETS, Preset

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mpn_ros.benchmark.stages import Case
    from mpn_ros.families.network import PoseNetwork
    from mpn_ros.result import PoseResult
    from mpn_ros.weights import Weights

MOST_PEOPLE, MOST_CAMERAS = 40, 32
_IMAGES = 4  # of each number of people


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of ``mpn bench``."""
    parser.add_argument(
        '--images',
        type=Path,
        default=Path('demo/cam01.mp4'),
        metavar='DIR|VIDEO',
        help='real people to make images of: pictures or a video (default: the clip of make demo)',
    )
    parser.add_argument(
        '--backends',
        nargs='+',
        default=['auto'],
        metavar='NAME',
        help='what runs the network; those that cannot run here are left out with a sentence',
    )
    parser.add_argument(
        '--people',
        type=int,
        nargs='+',
        default=[1, 5, 10, 20],
        metavar='N',
        help=f'people in an image, 1 to {MOST_PEOPLE} (default: 1 5 10 20)',
    )
    parser.add_argument(
        '--cameras',
        type=int,
        nargs='+',
        default=[1],
        metavar='N',
        help=f'images of one batch, 1 to {MOST_CAMERAS} (default: 1)',
    )
    parser.add_argument(
        '--weights',
        default='lite',
        metavar='NAME|FILE',
        help='weights that ship, a weights file, or a preset, which then has random weights',
    )
    parser.add_argument('--size', default='640x480', metavar='WxH', help='of the images (default: %(default)s)')
    parser.add_argument(
        '--input-size', type=int, metavar='PIXELS', help="long side of the network's input (default: the weights' own)"
    )
    add_refine_argument(parser)
    parser.add_argument('--device', default='auto', help='cpu, cuda, cuda:1 ... (default: a GPU where there is one)')
    parser.add_argument('--precision', default='auto', metavar='NAME', help='numbers it computes with (default: auto)')
    parser.add_argument('--repeats', type=int, default=100, metavar='N', help='times of each (default: %(default)s)')
    parser.add_argument('--json', type=Path, metavar='OUT', help='gets a list of rows')
    parser.add_argument('--plot', type=Path, metavar='OUT', help='gets time against people (Fig. 8), as PNG or SVG')


def run(args: argparse.Namespace) -> None:
    """Measures, prints a table, and writes what is asked for. Raises MpnError."""
    size = _check(args)
    import numpy as np

    from mpn_ros.benchmark import report, stages
    from mpn_ros.benchmark.crowds import crowds, find_people, read_sources
    from mpn_ros.commands.output import save_picture, write_json
    from mpn_ros.pipeline.pipeline import PosePipeline, Thresholds
    from mpn_ros.weights import Weights

    sources = read_sources(args.images)
    everyone = Thresholds(max_people=100)
    weights = _weights(args.weights)
    trained = 'sha256' in weights.metadata
    finder = PosePipeline(
        weights if trained else 'lite', input_size=args.input_size, device=args.device, refine=0, thresholds=everyone
    )
    cutouts = find_people(finder, sources, size)
    made = {count: crowds(finder, cutouts, count, _IMAGES, size) for count in args.people}
    cases: list[Case] = []
    for backend in dict.fromkeys(args.backends):
        try:
            pipeline = PosePipeline(
                weights,
                input_size=finder.input_size,
                backend=backend,
                device=args.device,
                precision=args.precision,
                refine=args.refine,
                thresholds=everyone,
            )
            pipeline.warm()
            pipeline.backend(pipeline.letterbox([np.full((*size[::-1], 3), 127, np.uint8)], ['bgr'])[1])  # builds it
        except BackendUnavailable as error:
            print(f'{backend} is left out: {error}')
            continue
        if not trained:
            pipeline.backend = stages.SubstituteOutputs(pipeline.backend, finder.backend)
        cases += [
            stages.Case(pipeline, pipeline.backend.info.name, people, found, cameras, images)
            for cameras in args.cameras
            for people, (images, found) in made.items()
        ]
    if not cases:
        raise BackendUnavailable(f'none of the backends works here: {", ".join(args.backends)}')
    stages.run(cases, args.repeats, _messages(size))
    rows = [row for case in cases for row in report.rows(case, _facts(case, args.repeats))]
    print(report.table(rows))
    for name in dict.fromkeys(case.name for case in cases):
        if not isinstance(weights, Weights):
            break  # what a network of others has to compute is not known
        floors = _floors(weights.preset, [case for case in cases if case.name == name])
        rows += floors
        print(
            f'\n{name}: {floors[0]["multiply_adds"] / 1e9:.2f} G multiply-adds an image; a matrix product reaches '
            f'{floors[0]["operations_per_s"] / 1e12:.2f} T operations/s, a copy '
            f'{floors[0]["bytes_per_s"] / 1e9:.1f} GB/s'
        )
        for row in floors:
            least, fraction = row['p50_ms'], row['fraction']
            print(
                f'- batch of {row["batch"]}: floor {least:.2f} ms, network {least / fraction:.2f} ms; it reaches '
                f'{fraction:.0%} of what the device could'
            )
    if args.json is not None:
        write_json(args.json, rows)
    if args.plot is not None:
        save_picture(args.plot, report.draw(rows))


def _check(args: argparse.Namespace) -> tuple[int, int]:
    """Width and height of the images. Raises ParameterError for arguments out of their range."""
    for name, values, most in (('people', args.people, MOST_PEOPLE), ('cameras', args.cameras, MOST_CAMERAS)):
        if not all(1 <= value <= most for value in values):
            raise ParameterError(f'--{name} must be 1 to {most}, not {max(values, key=lambda v: abs(v - 1))}')
    if args.repeats < 1:
        raise ParameterError(f'--repeats must be at least 1, not {args.repeats}')
    if not args.images.exists():
        raise ParameterError(f'--images {args.images} does not exist: give pictures or a video of people')
    try:
        width, height = map(int, args.size.split('x'))
    except ValueError:
        width = height = 0
    if not (64 <= width <= 8192 and 64 <= height <= 8192):
        raise ParameterError(f"--size must be WIDTHxHEIGHT of 64 to 8192 pixels a side, not '{args.size}'")
    return width, height


def _weights(name: str) -> Weights | PoseNetwork:
    """Those of that name, or random ones of a preset for which none ship."""
    from mpn_ros.families.network import open_weights
    from mpn_ros.network.multiposenet import MultiPoseNet
    from mpn_ros.network.prn import PoseResidualNetwork
    from mpn_ros.weights import Weights

    try:
        return open_weights(name)
    except WeightsError:
        if name not in PRESETS:
            raise
    preset = PRESETS[name]
    print(f'there are no weights of {name}: it has random ones, and peaks and boxes are those of lite')
    parts = {
        'network': MultiPoseNet(preset).state_dict(),
        'prn': PoseResidualNetwork(preset.prn, preset.keypoints).state_dict(),
    }
    return Weights(preset, parts, {}, 'random weights')


def _messages(size: tuple[int, int]) -> Callable[[PoseResult], Any] | None:
    """What makes boxes, skeletons and mask messages of a result, where ROS 2 is installed."""
    try:
        from std_msgs.msg import Header

        from mpn_ros.messages import serialize_image
        from mpn_ros.ros import messages
    except ImportError:
        return None
    header = Header(frame_id='camera')
    return lambda result: (
        messages.detections(result, header),
        messages.skeletons(result, header),
        result.mask is not None and serialize_image(result.mask, 'mono8', header),
    )


def _facts(case: Case, repeats: int) -> dict[str, Any]:
    """What a row says of the device, the versions and the run."""
    from mpn_ros.evaluation.hardware_info import machine, versions

    here = machine()
    return {
        'device': here['gpu'] if case.pipeline.backend.info.gpu else f'{here["cpu"]}, {here["cores"]} cores',
        'dtype': case.pipeline.backend.info.dtype,
        'repeats': repeats,
        'peak_memory_mb': _peak_memory(),
        'versions': versions(),
    }


def _peak_memory() -> float:
    """The most megabytes that this process has held."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6, 1)


def _floors(preset: Preset, cases: Sequence[Case]) -> list[dict[str, Any]]:
    """Of cases of one backend, a row for each size of batch: the least time that the network can take for it on this
    device, and what fraction of what it takes that is."""
    import numpy as np
    import torch

    from mpn_ros.benchmark import roofline
    from mpn_ros.network.cost import block_costs

    case = cases[0]
    dtype = getattr(torch, case.pipeline.backend.info.dtype)
    device = case.pipeline.backend.info.gpu or torch.device('cpu')
    height, width = case.input_shape
    costs = [cost for block, cost in block_costs(preset, height, width).items() if block != 'pose residual network']
    multiply_adds, weights = sum(c.multiply_adds for c in costs), sum(c.parameters for c in costs) * dtype.itemsize
    best = roofline.measure(device, dtype)
    rows = []
    for batch in sorted({case.cameras for case in cases}):
        least = 1e3 * best.floor(batch * multiply_adds, weights)
        network = [seconds for case in cases if case.cameras == batch for seconds in case.seconds['network']]
        rows.append(
            _facts(case, 1)
            | {
                'backend': case.name,
                'preset': preset.name,
                'shape': f'{height}x{width}',
                'batch': batch,
                'people': 0,
                'cameras': batch,
                'stage': 'floor',
                'p50_ms': round(least, 3),
                'p99_ms': round(least, 3),
                'fps': round(1e3 * batch / least, 1),
                'multiply_adds': multiply_adds,
                'operations_per_s': best.operations,
                'bytes_per_s': best.bytes,
                'fraction': round(least / (1e3 * float(np.median(network))), 4),
            }
        )
    return rows
