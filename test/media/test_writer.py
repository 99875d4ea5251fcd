"""Videos that are written whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mpn_ros.errors import ImageError
from mpn_ros.media import TimedVideo, VideoReader, VideoWriter

ROOT = Path(__file__).resolve().parents[2]


def grey(value: int = 9, width: int = 64, height: int = 48) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def test_a_video_that_was_interrupted_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        with VideoWriter(tmp_path / 'clip.mp4', 20, 64, 48) as writer:
            writer.write(grey())
            raise KeyboardInterrupt
    assert os.listdir(tmp_path) == []


def test_a_frame_of_another_size_is_refused(tmp_path):
    with pytest.raises(ImageError, match='a frame of 32x48 in a video of 64x48'):
        with VideoWriter(tmp_path / 'clip.mp4', 20, 64, 48) as writer:
            writer.write(grey(9, 32, 48))


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(ImageError, match='cannot be written as mp4v video'):
        VideoWriter(tmp_path / 'nowhere' / 'clip.mp4', 20, 64, 48)


@pytest.mark.parametrize('size', [(1, 1), (1, 64), (64, 1), (3, 3)])
def test_tiny_frames(tmp_path, size):
    with VideoWriter(tmp_path / 'clip.mp4', 20, *size) as writer:
        for _ in range(3):
            writer.write(grey(200, *size))
    with VideoReader(tmp_path / 'clip.mp4') as video:
        shown = [frame.image for frame in video]
    assert len(shown) == 3 and shown[0].mean() == pytest.approx(200, abs=12)


def test_a_name_is_bytes(tmp_path):
    with VideoWriter(tmp_path / os.fsdecode(b'caf\xe9.mp4'), 20, 64, 48) as writer:
        writer.write(grey())
    assert os.listdir(os.fsencode(tmp_path)) == [b'caf\xe9.mp4']


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path):
    """OpenCV writes on as if nothing were. The limit on the size of files stands for the disk."""
    code = f"""
import resource, signal
import numpy as np
from mpn_ros.errors import ImageError
from mpn_ros.media import VideoWriter
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    with VideoWriter({str(tmp_path / 'clip.mp4')!r}, 20, 320, 240) as writer:
        for _ in range(30):
            writer.write(np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8))
except ImageError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert 'clip.mp4 cannot be written: 0 of 30 frames are in the file' in done.stdout, done.stderr
    assert not os.listdir(tmp_path)


def test_a_clock_that_jumps_does_not_fill_the_disk(tmp_path):
    with TimedVideo(tmp_path / 'out.mp4', 2.0) as video:
        for seconds in (0.0, 1.0, 1.8e9, 1.8e9 + 1):
            video.show(np.zeros((32, 32, 3), np.uint8), seconds)
    with VideoReader(tmp_path / 'out.mp4') as video:
        assert sum(1 for _ in video) == 2 + 2 * 60 + 2 + 1
