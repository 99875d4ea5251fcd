"""Streams of others, as this computer may serve them itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from mpn_ros.errors import ImageError
from mpn_ros.media import write_image
from mpn_ros.media.live import LiveReader, is_live, without_login


@pytest.fixture
def address(tmp_path) -> Iterator[str]:
    """Serves the folder of the test."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    thread.start()
    yield f'http://127.0.0.1:{server.server_port}'
    server.shutdown()
    thread.join()


def test_a_stream_is_read_to_its_end_with_the_time_that_passes(address, film):
    film('clip.mkv', 'MJPG')
    with LiveReader(f'{address}/clip.mkv') as stream:
        assert (stream.width, stream.height, stream.fps) == (176, 144, 20)
        frames = list(stream)
    assert [frame.index for frame in frames] == list(range(20))
    assert frames[0].time == 0 and (np.diff([frame.time for frame in frames]) > 0).all()


def test_a_still_picture_at_an_address_is_no_video(address, tmp_path):
    write_image(tmp_path / 'a.jpg', np.zeros((48, 64, 3), np.uint8))
    with pytest.raises(ImageError, match='a.jpg cannot be opened, or shows nothing'):
        LiveReader(f'{address}/a.jpg')


def test_what_cannot_be_reached_is_told_without_the_password(capfd):
    with pytest.raises(ImageError, match='^http://127.0.0.1:1/clip.mp4 cannot be opened'):
        LiveReader('http://me:secret@127.0.0.1:1/clip.mp4')
    assert capfd.readouterr().err == ''


def test_addresses_and_cameras_are_told_from_files():
    assert is_live('rtsp://robot/a') and is_live('/dev/video0') and not is_live('/dev/video0.mp4')
    assert not is_live('rtsp:a.mp4') and without_login('rtsp://me:secret@robot/a@b') == 'rtsp://robot/a@b'
    with pytest.raises(ImageError, match='ftp://robot/a is an address that cannot be read; there are rtsp'):
        is_live('ftp://robot/a')
