"""``mpn export``: the network or its Pose Residual Network as an ONNX file, for TensorRT, onnxruntime and others."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of ``mpn export``."""
    parser.add_argument('out', type=Path, metavar='OUT', help='the file to write, NAME.onnx')
    parser.add_argument(
        '--weights',
        default='lite',
        metavar='NAME|FILE',
        help='weights that ship, or a weights file (default: %(default)s)',
    )
    parser.add_argument(
        '--size',
        type=_size,
        metavar='WxH',
        help="the network's input in pixels, multiples of 32 (default: a square of the weights' own)",
    )
    parser.add_argument(
        '--batch',
        type=_batch,
        default=1,
        metavar='N|dynamic',
        help='images, with --prn people, that go in at once (default: %(default)s)',
    )
    parser.add_argument('--half', action='store_true', help='float16 inside')
    parser.add_argument('--prn', action='store_true', help='the Pose Residual Network in place of the network')


def run(args: argparse.Namespace) -> None:
    """Writes the file and says what is in it. Raises MpnError for arguments that do not fit and files that cannot be
    read or written."""
    import onnxscript  # noqa: F401  # torch.onnx needs it, and says so in a page of its own

    from mpn_ros.errors import ParameterError
    from mpn_ros.export import export_network, export_prn
    from mpn_ros.weights import load_weights, resolve_weights

    weights = load_weights(resolve_weights(args.weights))
    if args.prn:
        if args.size is not None:
            raise ParameterError('--size is of the network and does not go with --prn')
        export_prn(args.out, weights, batch=args.batch, half=args.half)
        what = 'Pose Residual Network'
    else:
        width, height = args.size or (weights.preset.input_size,) * 2
        export_network(args.out, weights, width, height, batch=args.batch, half=args.half)
        what = f'network at {width}x{height} pixels'
    print(
        f'{args.out}: {what}, batch {args.batch or "dynamic"}, {"float16" if args.half else "float32"}, preset '
        f'{weights.preset.name}, {args.out.stat().st_size / 1e6:.1f} MB'
    )


def _size(text: str) -> tuple[int, int]:
    width, height = map(int, text.split('x'))
    return width, height


def _batch(text: str) -> int | None:
    return None if text == 'dynamic' else int(text)
