"""``mpn view``: a page in the browser that shows cameras and the people in them live. It listens on ROS."""

from __future__ import annotations

import argparse
import sys

from mpn_ros.errors import MpnError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of ``mpn view``."""
    parser.add_argument(
        '--cameras',
        nargs='+',
        default=[''],
        metavar='NAME',
        help="the node's parameter 'cameras': namespaces of its cameras (default: the root namespace)",
    )
    parser.add_argument(
        '--image-topic',
        default='image_raw',
        metavar='TOPIC',
        help="the node's parameter 'image_topic' (default: %(default)s)",
    )
    parser.add_argument(
        '--image-transport',
        default='raw',
        metavar='NAME',
        help="the node's parameter 'image_transport': raw or compressed (default: %(default)s)",
    )
    parser.add_argument(
        '--host',
        default='127.0.0.1',
        metavar='ADDRESS',
        help='address to serve on; 0.0.0.0 lets everybody on the network watch (default: %(default)s)',
    )
    parser.add_argument('--port', type=int, default=8080, metavar='NUMBER', help='port (default: %(default)s)')


def run(args: argparse.Namespace) -> None:
    """Serves the page until it is interrupted. Raises MpnError where ROS 2 or our messages are missing."""
    from mpn_ros.parameters import Parameters

    parameters = Parameters(
        cameras=tuple(args.cameras), image_topic=args.image_topic, image_transport=args.image_transport
    )
    try:
        from mpn_ros.ros.view_node import serve
    except ModuleNotFoundError as error:
        raise MpnError(
            f'it listens on ROS 2, and {error.name} cannot be imported here: source its setup, or use the '
            'environment of make setup'
        ) from error
    serve(
        parameters,
        args.host,
        args.port,
        lambda url: print(f'mpn view: {url} shows the cameras; Ctrl-C ends it', file=sys.stderr),
    )
