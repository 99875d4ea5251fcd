"""Videos: their frames, the times of those, and whether they are whole."""

from __future__ import annotations

import os
import struct
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from mpn_ros.errors import ImageError
from mpn_ros.media import VideoReader, VideoWriter
from mpn_ros.media import video as module


def read(path) -> SimpleNamespace:
    """Number and times of the frames, and what the reader says of the whole."""
    with VideoReader(path) as video:
        times = [frame.time for frame in video]
        return SimpleNamespace(
            count=len(times),
            times=times,
            fault=video.fault,
            untimed=video.untimed,
            expected=video.expected,
            rate=video.overlay_rate(),
        )


@pytest.mark.parametrize('size', [(64, 48), (65, 49)])
def test_a_video_comes_back_with_its_frames_and_times(tmp_path, size):
    pictures = [np.full((size[1], size[0], 3), 10 + 20 * index, np.uint8) for index in range(6)]
    with VideoWriter(tmp_path / 'clip.mp4', 20.0, *size) as writer:
        for picture in pictures:
            writer.write(picture)
    with VideoReader(tmp_path / 'clip.mp4') as video:
        assert (video.width, video.height, video.fps, video.expected) == (64, 48, 20, 6)
        read = list(video)
        assert video.fault is None and not video.untimed and video.overlay_rate() == 20
    assert [frame.index for frame in read] == list(range(6))
    assert [frame.time for frame in read] == pytest.approx([index / 20 for index in range(6)], abs=0.002)
    for frame, picture in zip(read, pictures, strict=True):
        # Frames are 20 apart: within 8 it is this one, compressed.
        assert frame.image.mean() == pytest.approx(picture.mean(), abs=8)


def test_what_is_no_video_is_named_in_silence(film, capfd):
    path = film('broken.mp4')
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ImageError, match='broken.mp4 is neither a picture nor a video'):
        VideoReader(path)
    assert capfd.readouterr().err == ''


@pytest.mark.parametrize('name', [b'caf\xe9.mp4', b'clip.m\xe9', b'clip%03d.mp4', b'http:clip.mp4', b'concat:a|b.mp4'])
def test_a_name_is_bytes(film, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    film('clip.mp4').rename(os.fsdecode(name))
    assert read(os.fsdecode(name)).count == 20


def after(data: bytes, mark: bytes, skip: int, content: bytes) -> bytes:
    """``data`` with other bytes at ``skip`` behind the first ``mark``."""
    at = data.index(mark) + len(mark) + skip
    return data[:at] + content + data[at + len(content) :]


def test_a_longer_sound_or_a_late_first_stamp_is_no_cut(film):
    """Matroska announces when it ends, which says nothing of the number of frames."""
    path = film('segment.mkv', 'MJPG')
    path.write_bytes(after(path.read_bytes(), b'\x44\x89\x88', 0, struct.pack('>d', 61_000.0)))
    seen = read(path)
    assert seen.expected > 1000 and seen.count == 20 and seen.fault is None


def test_frames_before_a_cut_that_copies_the_stream_are_not_missed(film):
    """They are in the file, for the decoder, and its list of edits leaves them out."""
    path = film('cut.mp4')
    data = path.read_bytes()
    (scale,) = struct.unpack('>I', data[data.index(b'mdhd') + 16 : data.index(b'mdhd') + 20])
    path.write_bytes(after(data, b'elst', 8, struct.pack('>Ii', 400, scale * 12 // 20)))
    seen = read(path)
    assert seen.expected == 20 and 6 <= seen.count <= 9 and seen.fault is None


@pytest.mark.parametrize(
    ('name', 'codec'), [('a.mkv', 'MJPG'), ('a.avi', 'MJPG'), ('a.flv', 'FLV1'), ('a.webm', 'VP80')]
)
def test_a_cut_is_told(film, name, codec):
    path = film(name, codec, 100)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    seen = read(path)
    assert 0 < seen.count < 90
    assert seen.fault == f'{path} is cut off: {seen.count} of {seen.expected} frames could be decoded'


def test_a_part_that_was_never_downloaded_is_told(film):
    """Its place is full of zeros."""
    path = film('a.mkv', 'MJPG', 100)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] + bytes(len(data) - len(data) // 2))
    assert 'is cut off' in read(path).fault


def test_times_grow_where_the_container_loses_the_last(film):
    seen = read(film('a.m1v', 'MPG1'))
    assert seen.count == 20 and (np.diff(seen.times) > 0).all() and seen.times[0] == 0 and not seen.untimed


def test_frames_without_times_get_those_of_the_rate(film, monkeypatch):
    """As those of a stream of H.264 that has no container."""
    opened = module.open_capture

    def timeless(path):
        capture = opened(path)
        return SimpleNamespace(
            read=capture.read,
            release=capture.release,
            get=lambda what: 0.0 if what == cv2.CAP_PROP_POS_MSEC else capture.get(what),
        )

    monkeypatch.setattr(module, 'open_capture', timeless)
    seen = read(film('a.mp4'))
    assert seen.untimed and seen.times == pytest.approx([index / 20 for index in range(20)])


def test_a_time_that_is_no_number_is_no_time(film, monkeypatch):
    """As OpenCV 4.6 has them of the last frames of a stream."""
    opened, asked = module.open_capture, []

    def broken(path):
        capture = opened(path)

        def get(what):
            if what != cv2.CAP_PROP_POS_MSEC:
                return capture.get(what)
            asked.append(what)
            return 7.7e15 if len(asked) in (5, 20) else capture.get(what)

        return SimpleNamespace(read=capture.read, release=capture.release, get=get)

    monkeypatch.setattr(module, 'open_capture', broken)
    seen = read(film('a.mp4'))
    assert not seen.untimed and seen.times == pytest.approx([index / 20 for index in range(20)], abs=0.002)


def test_a_picture_on_a_sound_is_no_video(film, monkeypatch):
    """As that of an album, which FFmpeg shows as a video of one frame."""
    opened = module.open_capture

    def still(path):
        capture = opened(path)
        return SimpleNamespace(
            read=capture.read,
            release=capture.release,
            get=lambda what: 90000.0 if what == cv2.CAP_PROP_FPS else capture.get(what),
        )

    monkeypatch.setattr(module, 'open_capture', still)
    with pytest.raises(ImageError, match='album.mp4 is a sound with a picture of its own, and no video'):
        VideoReader(film('album.mp4', count=1))


def test_a_codec_without_decoder_is_named(film, monkeypatch):
    """As AV1 is for the OpenCV of pip."""
    opened = module.open_capture

    def undecoded(path):
        capture = opened(path)
        return SimpleNamespace(read=lambda: (False, None), release=capture.release, get=capture.get)

    monkeypatch.setattr(module, 'open_capture', undecoded)
    with pytest.raises(ImageError, match=r"a.mp4 is a video in '(FMP4|mp4v)', of which this OpenCV decodes nothing"):
        VideoReader(film('a.mp4'))
