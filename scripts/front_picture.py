#!/usr/bin/env python3
"""Makes docs/people.webp, the moving picture of README.md: clips side by side with their people drawn in, looped.

The clips are the four of pose2sim (BSD-3-Clause), of which ``make demo`` plays the first: `pip download --no-deps
pose2sim==0.10.49`, unzip the wheel, and give cam01.mp4 to cam04.mp4 of Pose2Sim/Demo_MultiPerson/videos.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from mpn_ros.media import VideoReader  # noqa: E402
from mpn_ros.pipeline.draw import draw  # noqa: E402
from mpn_ros.pipeline.pipeline import PosePipeline  # noqa: E402
from mpn_ros.tracking.tracker import Tracker  # noqa: E402

STEP = 3
"""One frame in so many is shown: 20 a second of a clip of 60."""
QUALITY = 60
LARGEST = 3_000_000
"""Bytes; a page with a larger picture is slow to open."""


def main() -> int:
    """Runs the command. Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('clips', type=Path, nargs='+', metavar='CLIP', help='videos of one size and rate')
    parser.add_argument('--out', type=Path, default=ROOT / 'docs' / 'people.webp', metavar='FILE')
    parser.add_argument(
        '--rows', type=int, nargs=2, default=(230, 1790), metavar=('FIRST', 'END'), help='rows of each clip to show'
    )
    parser.add_argument('--width', type=int, default=240, help='of each clip in the picture, in pixels')
    args = parser.parse_args()
    pipeline = PosePipeline('lite')
    columns = [list(draw_frames(pipeline, clip, slice(*args.rows), args.width)) for clip in args.clips]
    frames = [np.hstack(row) for row in zip(*columns, strict=True)]
    with VideoReader(args.clips[0]) as video:
        milliseconds = round(1000 * STEP / video.fps)
    first, *rest = map(Image.fromarray, frames)
    first.save(args.out, save_all=True, append_images=rest, duration=milliseconds, loop=0, quality=QUALITY, method=6)
    size = args.out.stat().st_size
    print(f'{args.out}: {len(frames)} frames of {first.width}x{first.height}, {milliseconds} ms each, {size} bytes')
    return int(size > LARGEST)


def draw_frames(pipeline: PosePipeline, clip: Path, rows: slice, width: int) -> Iterator[np.ndarray]:
    """Each frame ``(H, W, 3)`` RGB that is shown, with its people drawn in."""
    tracker = Tracker()
    with VideoReader(clip) as video:
        for frame in video:
            if frame.index % STEP == 0:
                part = frame.image[rows]
                height = round(width * part.shape[0] / part.shape[1])
                image = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)
                result = tracker.update(pipeline(image, channel_order='bgr'), frame.time)
                yield cv2.cvtColor(draw(image, result), cv2.COLOR_BGR2RGB)


if __name__ == '__main__':
    sys.exit(main())
