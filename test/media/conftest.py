"""Videos that the tests of pictures and videos write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest


def frames(count: int, width: int = 64, height: int = 48) -> list[np.ndarray]:
    """Grey frames that brighten, by 10 each."""
    return [np.full((height, width, 3), 10 + 10 * index % 240, np.uint8) for index in range(count)]


@pytest.fixture
def film(tmp_path: Path) -> Callable[..., Path]:
    """``film(name, codec, count)``: a video of ``frames`` at 20 a second, as OpenCV writes it."""

    def make(name: str, codec: str = 'mp4v', count: int = 20) -> Path:
        writer = cv2.VideoWriter(str(tmp_path / name), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*codec), 20.0, (176, 144))
        assert writer.isOpened()
        for picture in frames(count, 176, 144):
            writer.write(picture)
        writer.release()
        return tmp_path / name

    return make
