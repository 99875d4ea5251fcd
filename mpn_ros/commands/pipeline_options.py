"""The arguments that say which pipeline a command runs; the same for every command that runs one."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mpn_ros.pipeline.pipeline import PosePipeline, Thresholds


def add_pipeline_arguments(parser: argparse.ArgumentParser, grouper: bool = True) -> None:
    """Declares ``--weights``, ``--input-size``, ``--refine``, ``--backend``, ``--device``, ``--precision`` and, for
    commands that do not choose it themselves, ``--grouper``."""
    group = parser.add_argument_group('pipeline')
    group.add_argument(
        '--weights',
        default='lite',
        metavar='NAME|FILE',
        help='weights that ship, a weights file, or a pose network in ONNX (default: %(default)s)',
    )
    group.add_argument(
        '--input-size',
        type=int,
        metavar='PIXELS',
        help="long side of the network's input, a multiple of 32 (default: the weights' own)",
    )
    add_refine_argument(group)
    if grouper:
        group.add_argument(
            '--grouper', default='auto', metavar='NAME', help="prn, max or ucr (default: prn, or the network's own)"
        )
    else:
        parser.set_defaults(grouper='max')  # every weights file has what this one needs
    group.add_argument(
        '--backend', default='auto', metavar='NAME', help='what runs the network (default: the fastest that works)'
    )
    group.add_argument(
        '--device', default='auto', metavar='DEVICE', help='cpu, cuda, cuda:1 ... (default: a GPU where there is one)'
    )
    group.add_argument(
        '--precision',
        default='auto',
        metavar='NAME',
        help='fp16, bf16 or fp32 (default: the fastest that the device and the backend have)',
    )


def add_refine_argument(group: argparse._ArgumentGroup | argparse.ArgumentParser) -> None:
    """Declares ``--refine``."""
    group.add_argument(
        '--refine',
        type=int,
        metavar='N',
        help='the most windows of an image for a second look at people whose size does not suit the '
        'network, 0 to 32 (default: 4 on a CPU, 16 on a GPU)',
    )


def make_pipeline(args: argparse.Namespace, thresholds: Thresholds | None = None) -> PosePipeline:
    """The pipeline that the arguments describe. Raises WeightsError, ParameterError or BackendUnavailable."""
    from mpn_ros.pipeline.pipeline import PosePipeline

    return PosePipeline(
        args.weights,
        input_size=args.input_size,
        grouper=args.grouper,
        refine=args.refine,
        backend=args.backend,
        device=args.device,
        precision=args.precision,
        thresholds=thresholds,
    )
