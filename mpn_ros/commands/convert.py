"""``mpn convert``: a published checkpoint becomes a weights file."""

from __future__ import annotations

import argparse
from pathlib import Path

from mpn_ros.presets import PRESETS, preset


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of ``mpn convert``."""
    parser.add_argument('source', type=Path, metavar='SOURCE', help='the downloaded checkpoint')
    parser.add_argument('out', type=Path, metavar='OUT', help='the weights file to write, NAME.safetensors')
    parser.add_argument(
        '--format',
        required=True,
        choices=('limeng95', 'prn'),
        help="limeng95: ckpt_baseline_resnet101.h5, the whole network; prn: the authors' PRN.pth.tar",
    )
    target = parser.add_mutually_exclusive_group()
    target.add_argument(
        '--preset',
        default='r101',
        metavar='NAME',
        help=f'what the network is: {", ".join(PRESETS)} (default: %(default)s)',
    )
    target.add_argument(
        '--network',
        metavar='NAME|FILE',
        help='with --format prn: the weights whose network goes into OUT beside the PRN',
    )


def run(args: argparse.Namespace) -> None:
    """Converts and says what was written. Raises MpnError for a file that is not what it should be."""
    from mpn_ros.convert import IMPORTERS
    from mpn_ros.errors import ParameterError
    from mpn_ros.weights import check_ending, load_weights, resolve_weights, save_weights

    if args.network and args.format != 'prn':
        raise ParameterError('--network goes with --format prn only')
    check_ending(args.out)
    base = load_weights(resolve_weights(args.network)) if args.network else None
    imported = IMPORTERS[args.format](args.source, base.preset if base else preset(args.preset))
    parts, training = dict(imported.parts), imported.training
    if base:
        parts['network'] = base.parts['network']
        training = {'network': base.metadata['training'], 'prn': imported.training}
    save_weights(args.out, imported.preset, parts, training=training)
    print(f'{args.out}: preset {imported.preset.name}, {" and ".join(parts)}')
