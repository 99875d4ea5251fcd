"""``mpn warm``: prepares the network for what this machine will see, so that no image has to wait for it."""

from __future__ import annotations

import argparse
import time

from mpn_ros.commands.pipeline_options import add_pipeline_arguments, make_pipeline

_SIZES = ((640, 480), (1280, 720))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of ``mpn warm``."""
    parser.add_argument(
        '--size',
        type=_size,
        nargs='+',
        default=_SIZES,
        metavar='WxH',
        dest='sizes',
        help='sizes of the images to come, in pixels (default: 640x480 1280x720)',
    )
    add_pipeline_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """Prepares each size of image and the windows of the second look, and says where the result is kept.

    Raises MpnError where the cache's folder cannot be written, and for arguments that do not fit.
    """
    import numpy as np

    from mpn_ros.backends.cache import cache_folder, check_writable

    check_writable()
    pipeline = make_pipeline(args)
    for width, height in args.sizes:
        started = time.monotonic()
        pipeline(np.full((height, width, 3), pipeline.pad_value, np.uint8))
        print(f'images of {width}x{height}: {time.monotonic() - started:.1f} s')
    started = time.monotonic()
    pipeline.warm()
    print(f'windows of the second look: {time.monotonic() - started:.1f} s')
    print(f'{pipeline.backend.info}; what is kept of it is in {cache_folder()}')


def _size(text: str) -> tuple[int, int]:
    width, height = map(int, text.split('x'))
    if min(width, height) < 1:
        raise ValueError(text)
    return width, height
