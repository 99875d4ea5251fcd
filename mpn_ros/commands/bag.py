"""``mpn bag``: people in a recording of ROS 2, written beside its images; no ROS is needed."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tqdm import tqdm

from mpn_ros.commands.pipeline_options import add_pipeline_arguments, make_pipeline
from mpn_ros.errors import ParameterError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of ``mpn bag``."""
    parser.add_argument('source', type=Path, metavar='IN', help='a rosbag2 folder, or a single .mcap or .db3 of one')
    parser.add_argument(
        'target',
        type=Path,
        metavar='OUT',
        help='folder to make: the same recording with detections, skeletons and mask beside its images',
    )
    parser.add_argument(
        '--topic',
        action='append',
        default=[],
        metavar='TOPIC',
        help='an image topic, may be given again (default: every camera)',
    )
    parser.add_argument(
        '--video',
        type=Path,
        metavar='FILE.mp4',
        help='also a video with the people drawn in; of several cameras, one each: FILE_NAMESPACE.mp4',
    )
    add_pipeline_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Converts the bag and tells what became of each camera's images; 2 if some were broken, or if messages
    are missing."""
    from mpn_ros.bag.convert import convert
    from mpn_ros.messages import check_layout

    if args.video is not None and args.video.suffix != '.mp4':
        raise ParameterError(f'--video must end in .mp4, not {args.video}')
    pipeline = make_pipeline(args)
    check_layout(pipeline.layout, args.weights)
    start = time.monotonic()

    def tell(text: str) -> None:
        tqdm.write(f'mpn bag: {text}', file=sys.stderr)

    converted = convert(args.source, args.target, pipeline, tell, topics=args.topic, video=args.video)
    for topic, counts in converted.counts.items():
        broken = f', {counts.broken} broken without an answer' if counts.broken else ''
        print(f'{topic}: {counts.answered} images answered{broken}')
    print(f'{args.target} was made in {time.monotonic() - start:.1f} s')
    return 2 if not converted.complete or any(counts.broken for counts in converted.counts.values()) else 0
