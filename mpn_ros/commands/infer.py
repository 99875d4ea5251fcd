"""``mpn infer``: people in pictures and videos, as overlays to look at and JSON to work with."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tqdm import tqdm

from mpn_ros.commands.pipeline_options import add_pipeline_arguments, make_pipeline
from mpn_ros.errors import ImageError, MpnError, ParameterError
from mpn_ros.media import VideoReader, VideoWriter, is_image, read_image, write_image
from mpn_ros.pipeline.draw import draw
from mpn_ros.pipeline.pipeline import PosePipeline
from mpn_ros.pipeline.record import RecordWriter
from mpn_ros.tracking.tracker import Tracker

SUFFIXES = ('.json', '_overlay.jpg', '_overlay.mp4')
"""What is written beside each other for an input, after its stem."""

COMPLETE = .9
"""Share of the announced frames below which a video counts as cut off; what files announce is only about right."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of ``mpn infer``."""
    parser.add_argument('inputs', type=Path, nargs='+', metavar='IMAGE|VIDEO', help='files to look at')
    parser.add_argument('--out', type=Path, required=True, metavar='DIR',
                        help='gets NAME.json and NAME_overlay.jpg or NAME_overlay.mp4 of each file')
    parser.add_argument('--json-only', action='store_true', help='no overlays')
    add_pipeline_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Works through all inputs. One that cannot be read costs a sentence and exit status 2, not the others' results."""
    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ParameterError(f'--out {args.out} cannot be made a folder: {error.strerror}') from error
    pipeline = make_pipeline(args)
    named = list(zip(args.inputs, output_stems(args.inputs, args.out), strict=True))
    status = 0
    for path, stem in tqdm(named, unit='file', disable=None):
        try:
            infer_file(pipeline, path, args.out / stem, overlay=not args.json_only)
        except MpnError as error:
            tqdm.write(f'mpn infer: {error}', file=sys.stderr)
            status = 2
    return status


def output_stems(inputs: Sequence[Path], out: Path) -> list[str]:
    """A name in ``out`` for each input: its own stem, numbered where two would share one or overwrite an input."""
    originals = {path.resolve() for path in inputs}
    stems: list[str] = []
    taken: set[str] = set()
    for path in inputs:
        stem, number = path.stem, 1
        while stem.casefold() in taken or any((out / (stem + suffix)).resolve() in originals for suffix in SUFFIXES):
            number += 1
            stem = f'{path.stem}_{number}'
        taken.add(stem.casefold())
        stems.append(stem)
    return stems


def infer_file(pipeline: PosePipeline, path: Path, target: Path, overlay: bool = True) -> None:
    """Writes ``target`` + '.json' and, with ``overlay``, '_overlay.jpg' or '_overlay.mp4'.

    Raises ImageError for a file that is neither picture nor video, and, after writing what there was, for a video that
    is cut off; MpnError if the results cannot be written.
    """
    try:
        if is_image(path):
            _infer_image(pipeline, path, target, overlay)
        else:
            _infer_video(pipeline, path, target, overlay)
    except OSError as error:
        raise MpnError(f'the results of {path} cannot be written to {target.parent}: {error.strerror}') from error


def _infer_image(pipeline: PosePipeline, path: Path, target: Path, overlay: bool) -> None:
    image = read_image(path)
    scene = pipeline(image, channel_order='bgr')
    if overlay:
        write_image(f'{target}_overlay.jpg', draw(image, scene, layout=pipeline.layout))
    with RecordWriter(f'{target}.json', str(path), image.shape[1], image.shape[0], pipeline.layout) as record:
        record.write(0, 0., scene)


def _infer_video(pipeline: PosePipeline, path: Path, target: Path, overlay: bool) -> None:
    with ExitStack() as stack:
        video = stack.enter_context(VideoReader(path))
        record = stack.enter_context(
            RecordWriter(f'{target}.json', str(path), video.width, video.height, pipeline.layout)
        )
        painted: VideoWriter | None = None
        if overlay:
            painted = stack.enter_context(VideoWriter(f'{target}_overlay.mp4', video.fps, video.width, video.height))
        frames, tracker = 0, Tracker(layout=pipeline.layout)
        for frame in tqdm(video, path.name, total=video.expected or None, unit='frame', leave=False, disable=None):
            scene = tracker.update(pipeline(frame.image, channel_order='bgr'), frame.time)
            record.write(frame.index, frame.time, scene)
            if painted is not None:
                painted.write(draw(frame.image, scene, layout=pipeline.layout))
            frames += 1
    if frames < COMPLETE * video.expected:
        raise ImageError(f'{path} is cut off: {frames} of {video.expected} frames could be decoded')
