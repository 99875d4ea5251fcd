"""FFmpeg, by OpenCV, on files of videos and on nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# FFmpeg writes its own complaints about a damaged file to stderr, beside our one sentence; OpenCV reads this when it
# opens its first video. A value that the user has set stays.
os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')

import cv2

from mpn_ros.decoding.silence import decoders_silenced
from mpn_ros.errors import ImageError
from mpn_ros.files import utf8_name

_OPTIONS = 'OPENCV_FFMPEG_CAPTURE_OPTIONS'
_FILES = 'format_whitelist;jpeg_pipe,{}|protocol_whitelist;file'
_STREAMS = 'format_whitelist;rtsp,sdp,rtp,hls,dash,live_flv,{}|rtsp_transport;tcp'
_CONTAINERS = (
    'mov,matroska,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,h264,hevc,vvc,m4v,h263,h261,vc1,ivf,obu,av1,dirac,'
    'yuv4mpegpipe,mjpeg,mpjpeg,mxf,nut,rm,dv,gxf,wtv,swf,nsv,nuv,flic,r3d,cine,ivr,smk,bink'
)
"""FFmpeg's readers of videos. It has others, for pictures, and for lists that lead to other files."""


def open_capture(path: Path, raw: bool = False) -> cv2.VideoCapture:
    """A capture of the file's frames, or ``raw`` of its packets. Raises ImageError."""
    with utf8_name(path) as name, only_videos(), decoders_silenced():
        capture = cv2.VideoCapture(name, cv2.CAP_FFMPEG, [cv2.CAP_PROP_FORMAT, -1] if raw else [])
    if not capture.isOpened():
        raise ImageError(f'{path} is neither a picture nor a video that can be decoded')
    return capture


def is_video(path: Path) -> bool:
    """Whether FFmpeg knows the container."""
    try:
        open_capture(path, raw=True).release()
    except ImageError:
        return False
    return True


def packet_times(path: Path) -> Iterator[float]:
    """The time in seconds of each frame that the file holds, whether it can be decoded or not, in the file's order."""
    capture = open_capture(path, raw=True)
    try:
        with decoders_silenced():
            while capture.grab():
                yield capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
    finally:
        capture.release()


def why_nothing(path: Path, capture: cv2.VideoCapture) -> str:
    """Why an open video shows no frame, in a sentence; releases the capture."""
    code = int(capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, 'little', signed=True)
    capture.release()
    if next(packet_times(path), None) is None:
        return f'{path} is neither a picture nor a video that can be decoded'
    codec = code.decode('ascii', 'ignore').strip('\0 ') or 'an unknown codec'
    return (
        f"{path} is a video in '{codec}', of which this OpenCV decodes nothing; "
        "if the file is whole, 'ffmpeg -i IN -c:v libx264 OUT.mp4' makes one that it does decode"
    )


@contextmanager
def only_videos(live: bool = False) -> Iterator[None]:
    """Keeps FFmpeg from taking a picture for a video, and unless it is ``live``, from leaving the file for another or
    for the network."""
    before = os.environ.get(_OPTIONS)
    ours = (_STREAMS if live else _FILES).format(_CONTAINERS)
    os.environ[_OPTIONS] = f'{before}|{ours}' if before else ours
    try:
        yield
    finally:
        if before is None:
            del os.environ[_OPTIONS]
        else:
            os.environ[_OPTIONS] = before
