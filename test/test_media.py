"""Pictures and videos in and out of files."""

from __future__ import annotations

import os
import struct

import cv2
import numpy as np
import pytest

from mpn_ros.errors import ImageError
from mpn_ros.media import VideoReader, VideoWriter, is_image, read_image, write_image

LYING = 6
"""EXIF orientation of a camera that was turned clockwise."""


@pytest.fixture
def lying_picture(tmp_path):
    """A 40x20 JPEG that is to be shown as 20x40."""
    path = tmp_path / 'lying.jpg'
    _, jpeg = cv2.imencode('.jpg', np.full((20, 40, 3), 90, np.uint8))
    tiff = struct.pack('<2sHIHHHIHHI', b'II', 42, 8, 1, 0x0112, 3, 1, LYING, 0, 0)
    exif = b'Exif\0\0' + tiff
    path.write_bytes(b'\xff\xd8\xff\xe1' + struct.pack('>H', len(exif) + 2) + exif + jpeg.tobytes()[2:])
    return path


def frames(count: int, width: int = 64, height: int = 48) -> list[np.ndarray]:
    """Grey frames that brighten."""
    return [np.full((height, width, 3), 10 + 20 * index, np.uint8) for index in range(count)]


def write_video(path, pictures, fps=20.):
    with VideoWriter(path, fps, pictures[0].shape[1], pictures[0].shape[0]) as writer:
        for picture in pictures:
            writer.write(picture)


def test_a_picture_is_turned_upright_unless_its_pixels_are_wanted(lying_picture):
    assert read_image(lying_picture).shape == (40, 20, 3)
    assert read_image(lying_picture, upright=False).shape == (20, 40, 3)


def test_a_picture_is_bgr_even_if_it_is_grey_or_transparent(tmp_path):
    blue = np.zeros((4, 5, 4), np.uint8)
    blue[..., 0] = blue[..., 3] = 255
    write_image(tmp_path / 'blue.png', blue)
    assert read_image(tmp_path / 'blue.png')[0, 0].tolist() == [255, 0, 0]
    write_image(tmp_path / 'grey.png', np.full((4, 5), 7, np.uint8))
    assert read_image(tmp_path / 'grey.png')[3, 4].tolist() == [7, 7, 7]


@pytest.mark.parametrize(('content', 'sentence'), [
    (None, 'cannot be read: No such file'), (b'', 'is empty'), (b'plain text', 'is not a picture that can be decoded')])
def test_what_is_no_picture_is_named(tmp_path, content, sentence):
    path = tmp_path / 'holiday.jpg'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ImageError, match=f'holiday.jpg {sentence}'):
        read_image(path)


def test_a_folder_is_no_picture(tmp_path):
    with pytest.raises(ImageError, match='cannot be read: Is a directory'):
        is_image(tmp_path)


def test_pictures_and_videos_are_told_apart_by_content(tmp_path):
    write_image(tmp_path / 'a.png', frames(1)[0])
    write_video(tmp_path / 'a.mp4', frames(2))
    (tmp_path / 'a.png').rename(tmp_path / 'picture.mp4')
    assert is_image(tmp_path / 'picture.mp4')
    assert not is_image(tmp_path / 'a.mp4')


def test_a_picture_that_cannot_be_written_is_said(tmp_path):
    with pytest.raises(ImageError, match='cannot be written'):
        write_image(tmp_path / 'nowhere' / 'a.jpg', frames(1)[0])


@pytest.mark.parametrize('size', [(64, 48), (65, 49)])
def test_a_video_comes_back_with_its_frames_and_times(tmp_path, size):
    pictures = frames(6, *size)
    write_video(tmp_path / 'clip.mp4', pictures)
    with VideoReader(tmp_path / 'clip.mp4') as video:
        assert (video.width, video.height, video.fps, video.expected) == (64, 48, 20, 6)
        read = list(video)
    assert [frame.index for frame in read] == list(range(6))
    assert [frame.time for frame in read] == pytest.approx([index / 20 for index in range(6)], abs=.002)
    for frame, picture in zip(read, pictures, strict=True):
        # Frames are 20 apart: within 8 it is this one, compressed.
        assert frame.image.mean() == pytest.approx(picture.mean(), abs=8)


def test_what_is_no_video_is_named_in_silence(tmp_path, capfd):
    path = tmp_path / 'broken.mp4'
    write_video(path, frames(6))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ImageError, match='broken.mp4 is neither a picture nor a video'):
        VideoReader(path)
    assert capfd.readouterr().err == ''


def test_a_video_that_was_interrupted_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        with VideoWriter(tmp_path / 'clip.mp4', 20, 64, 48) as writer:
            writer.write(frames(1)[0])
            raise KeyboardInterrupt
    assert os.listdir(tmp_path) == []


def test_a_frame_of_another_size_is_refused(tmp_path):
    with pytest.raises(ImageError, match='a frame of 32x48 in a video of 64x48'):
        with VideoWriter(tmp_path / 'clip.mp4', 20, 64, 48) as writer:
            writer.write(frames(1, 32, 48)[0])


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(ImageError, match='cannot be written as mp4v video'):
        VideoWriter(tmp_path / 'nowhere' / 'clip.mp4', 20, 64, 48)
