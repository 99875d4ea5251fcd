"""``mpn infer``: people in pictures and videos, as overlays to look at and JSON to work with."""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import cv2
from tqdm import tqdm

from mpn_ros.commands.infer_inputs import Source, find_sources, output_stems, recorded_name
from mpn_ros.commands.pipeline_options import add_pipeline_arguments, make_pipeline
from mpn_ros.errors import ImageError, MpnError
from mpn_ros.files import make_folder
from mpn_ros.media import TimedVideo, VideoReader, is_image, write_image
from mpn_ros.media.images import aspect_ratio, load_image
from mpn_ros.media.live import LiveReader
from mpn_ros.pipeline.draw import draw
from mpn_ros.pipeline.pipeline import PosePipeline
from mpn_ros.pipeline.record import JsonWriter
from mpn_ros.tracking.tracker import Tracker

_PROGRESS = '{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_noinv_fmt}]'  # files a second, always


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of ``mpn infer``."""
    parser.add_argument(
        'inputs',
        nargs='+',
        metavar='INPUT',
        help="pictures and videos: files, folders, patterns in quotes, '-' for standard input; a "
        'camera as /dev/video0 or a stream as rtsp://..., until Ctrl-C',
    )
    parser.add_argument(
        '--out',
        type=Path,
        required=True,
        metavar='DIR',
        help='gets NAME.json and NAME_overlay.jpg or NAME_overlay.mp4 of each file',
    )
    parser.add_argument('--json-only', action='store_true', help='no overlays')
    add_pipeline_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Works through all inputs. One that cannot be read costs a sentence and exit status 2, not the others' results."""
    make_folder(args.out, '--out')
    status = 0

    def tell(error: Exception) -> None:
        nonlocal status
        tqdm.write(f'mpn infer: {error}', file=sys.stderr)
        status = 2

    with tempfile.TemporaryDirectory() as folder:
        sources = find_sources(args.inputs, Path(folder, 'stdin'), tell)
        pipeline = make_pipeline(args) if sources else None
        named = list(zip(sources, output_stems(sources, args.out), strict=True))
        for source, stem in tqdm(_by_shape(named), unit='file', bar_format=_PROGRESS, disable=None):
            assert pipeline is not None
            try:
                infer_source(pipeline, source, args.out / stem, overlay=not args.json_only)
            except MpnError as error:
                said = str(error)
                if source.path is not None:
                    said = said.replace(str(source.path), source.name)  # standard input lies in a file for a while
                tell(ImageError(said if source.name in said else f'{source.name}: {said}'))
            except (cv2.error, MemoryError) as error:  # of a shape that a library does not bear
                why = ' '.join(str(error).split()) or 'memory is out'
                tell(ImageError(f'{source.name} cannot be worked on: {why}'))
    return status


def _by_shape(named: list[tuple[Source, str]]) -> list[tuple[Source, str]]:
    """Pictures whose network inputs have one shape come one after the other, for each shape costs a preparation and
    memory; whatever else there is keeps its place."""
    if len(named) == 1:
        return named
    ratios = [aspect_ratio(source.path) if source.path is not None else None for source, _ in named]
    places = [place for place, ratio in enumerate(ratios) if ratio is not None]
    ordered = list(named)
    for place, index in zip(places, sorted(places, key=lambda index: ratios[index] or 0.0)):
        ordered[place] = named[index]
    return ordered


def infer_source(pipeline: PosePipeline, source: Source, target: Path, overlay: bool = True) -> None:
    """Writes ``target`` + '.json' and, with ``overlay``, '_overlay.jpg' or '_overlay.mp4'.

    Raises ImageError for what is neither picture nor video, and, after writing what there was, for one that is cut off;
    MpnError if the results cannot be written.
    """
    try:
        if source.path is not None and is_image(source.path):
            _infer_image(pipeline, source, source.path, target, overlay)
        else:
            _infer_video(pipeline, source, target, overlay)
    except OSError as error:
        raise MpnError(
            f'the results of {source.name} cannot be written to {target.parent}: {error.strerror}'
        ) from error


def _infer_image(pipeline: PosePipeline, source: Source, path: Path, target: Path, overlay: bool) -> None:
    image, whole = load_image(path)
    result = pipeline(image, channel_order='bgr')
    if overlay:
        write_image(f'{target}_overlay.jpg', draw(image, result))
    with JsonWriter(f'{target}.json', recorded_name(source), image.shape[1], image.shape[0], pipeline.layout) as record:
        record.write(0, 0.0, result)
    if not whole:
        raise ImageError(f'{source.name} is cut off: the answer is to what the decoder makes of the rest of it')


def _infer_video(pipeline: PosePipeline, source: Source, target: Path, overlay: bool) -> None:
    with ExitStack() as stack:
        video: LiveReader | VideoReader = LiveReader(source.name) if source.path is None else VideoReader(source.path)
        stack.enter_context(video)
        record = stack.enter_context(
            JsonWriter(f'{target}.json', recorded_name(source), video.width, video.height, pipeline.layout)
        )
        painted: TimedVideo | None = None
        if overlay:
            painted = stack.enter_context(TimedVideo(Path(f'{target}_overlay.mp4'), video.overlay_rate()))
        tracker = Tracker(layout=pipeline.layout)
        try:
            for frame in tqdm(
                video, Path(source.name).name, total=video.expected or None, unit='frame', leave=False, disable=None
            ):
                result = tracker.update(pipeline(frame.image, channel_order='bgr'), frame.time)
                record.write(frame.index, frame.time, result)
                if painted is not None:
                    painted.show(draw(frame.image, result), frame.time)
        except KeyboardInterrupt:
            if source.path is not None:
                raise
            # So a camera ends; what was seen so far is written.
    if video.untimed:
        tqdm.write(
            f'mpn infer: {source.name} has no times of its own; its frames got those of {video.fps:g} a second',
            file=sys.stderr,
        )
    if video.fault is not None:
        raise ImageError(video.fault)
