"""Animated GIF, PNG, WebP: every picture, at its time."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from mpn_ros.errors import ImageError
from mpn_ros.media import VideoReader, is_image, read_image

DURATIONS = [200, 50, 350, 100]  # ms


def animation(path, durations=DURATIONS, **options):
    pictures = [Image.fromarray(np.full((20, 30, 3), 40 * (index + 1), np.uint8)) for index in range(len(DURATIONS))]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=durations, **options)
    return path


@pytest.mark.parametrize('suffix', ['gif', 'png', 'webp'])
def test_all_pictures_with_their_times(tmp_path, suffix):
    path = animation(tmp_path / f'dance.{suffix}', **({'lossless': True} if suffix == 'webp' else {}))
    assert not is_image(path)
    with VideoReader(path) as video:
        assert (video.width, video.height, video.expected) == (30, 20, 4)
        assert video.overlay_rate() == pytest.approx(20, rel=0.2), 'that of the shortest'
        frames = list(video)
        assert video.fault is None
    assert [frame.time for frame in frames] == pytest.approx([0, 0.2, 0.25, 0.6])
    assert [int(frame.image[0, 0, 0]) for frame in frames] == pytest.approx([40, 80, 120, 160], abs=3)
    assert read_image(path)[0, 0, 0] == pytest.approx(40, abs=3)


def test_a_picture_for_those_who_show_no_animation_is_not_of_it(tmp_path):
    with VideoReader(animation(tmp_path / 'a.png', DURATIONS[1:], default_image=True)) as video:
        assert [int(frame.image[0, 0, 0]) for frame in video] == [80, 120, 160]


def test_no_duration_is_a_tenth_of_a_second(tmp_path):
    with VideoReader(animation(tmp_path / 'a.gif', 0)) as video:
        assert [frame.time for frame in video] == pytest.approx([0, 0.1, 0.2, 0.3])


def test_an_animation_that_is_cut_off_is_told(tmp_path):
    path = animation(tmp_path / 'a.webp', lossless=True)
    with VideoReader(path) as video:
        whole = len(list(video))
    path = animation(tmp_path / 'a.gif')
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])
    with VideoReader(path) as video:
        frames = list(video)
        assert 1 <= len(frames) < whole


def test_a_picture_that_claims_another_size_ends_it(tmp_path):
    """Pillow would make the canvas as large as it says."""
    path = animation(tmp_path / 'a.gif')
    data = bytearray(path.read_bytes())
    at = [place for place in range(len(data) - 10) if data[place : place + 5] == b',' + bytes(4)][2]
    data[at + 1 : at + 5] = b'\xff\xef' * 2  # where it lies
    path.write_bytes(data)
    with VideoReader(path) as video:
        assert len(list(video)) == 2
        assert video.fault == f'{path} is cut off: 2 of 4 frames could be decoded'


def test_an_animation_that_claims_to_be_huge_is_refused(tmp_path):
    path = animation(tmp_path / 'a.gif')
    data = bytearray(path.read_bytes())
    data[6:10] = b'\0\x40' * 2  # 16384x16384
    path.write_bytes(data)
    with pytest.raises(ImageError, match='a.gif is an animation of 16384x16384, more than'):
        VideoReader(path)


def test_one_picture_is_a_still(tmp_path):
    for suffix in ('gif', 'png', 'webp'):
        Image.new('RGB', (30, 20)).save(tmp_path / f'a.{suffix}')
        assert is_image(tmp_path / f'a.{suffix}')
