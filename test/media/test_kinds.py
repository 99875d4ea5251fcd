"""A still picture never becomes a video, whatever FFmpeg makes of it."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image

from mpn_ros.errors import ImageError
from mpn_ros.media import VideoReader, is_image, write_image
from mpn_ros.media.kinds import media_kind


def test_a_folder_is_no_picture(tmp_path):
    with pytest.raises(ImageError, match='cannot be read: Is a directory'):
        is_image(tmp_path)


def test_pictures_and_videos_are_told_apart_by_content(tmp_path, film):
    write_image(tmp_path / 'picture.png', np.zeros((8, 8, 3), np.uint8))
    (tmp_path / 'picture.png').rename(tmp_path / 'picture.mp4')
    film('video.mp4').rename(tmp_path / 'video.jpg')
    assert is_image(tmp_path / 'picture.mp4')
    assert not is_image(tmp_path / 'video.jpg')


@pytest.mark.parametrize(
    'brands', [(b'heic', b'mif1', b'heic'), (b'mif1', b'heic'), (b'avif', b'mif1'), (b'crx ', b'isom')]
)
def test_a_picture_in_a_container_of_videos_is_a_picture(tmp_path, film, brands):
    """FFmpeg would show a tile of it."""
    data = film('clip.mp4').read_bytes()
    body = b'ftyp' + brands[0] + bytes(4) + b''.join(brands)
    head = struct.pack('>I', len(body) + 4) + body
    (tmp_path / 'photo.heic').write_bytes(head + data[int.from_bytes(data[:4], 'big') :])
    assert media_kind(tmp_path / 'photo.heic') == 'image'
    with pytest.raises(ImageError, match='photo.heic is a picture and no video'):
        VideoReader(tmp_path / 'photo.heic')


@pytest.mark.parametrize(
    'suffix', ['psd', 'dds', 'qoi', 'sgi', 'pcx', 'tga', 'bmp', 'j2k', 'xbm', 'pgm', 'webp', 'gif']
)
def test_formats_that_ffmpeg_takes_for_videos(tmp_path, suffix):
    path = tmp_path / f'picture.{suffix}'
    if suffix == 'psd':
        path.write_bytes(b'8BPS' + struct.pack('>H6xHIIHH', 1, 3, 4, 4, 8, 3) + bytes(12 + 2 + 48))
    else:
        try:
            Image.new({'xbm': '1', 'pgm': 'L', 'gif': 'P'}.get(suffix, 'RGB'), (16, 16)).save(path)
        except (KeyError, OSError, ValueError):
            pytest.skip(f'this Pillow writes no {suffix}')
    assert media_kind(path) == 'image'
    with pytest.raises(ImageError, match='is a picture and no video'):
        VideoReader(path)


@pytest.mark.parametrize(
    'content',
    [
        b'#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nclip.mp4\n#EXT-X-ENDLIST\n',
        b"ffconcat version 1.0\nfile 'clip.mp4'\n",
    ],
)
def test_a_list_leads_to_no_other_file(tmp_path, film, content):
    film('clip.mp4')
    (tmp_path / 'list.mp4').write_bytes(content)
    with pytest.raises(ImageError, match='list.mp4 is neither a picture nor a video'):
        VideoReader(tmp_path / 'list.mp4')


def test_jpegs_one_after_the_other_are_a_video(film):
    path = film('clip.mjpeg', 'MJPG')
    assert media_kind(path) == 'video'
    with VideoReader(path) as video:
        assert len(list(video)) == 20
