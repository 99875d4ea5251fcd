"""Recordings that the tests make, and a pipeline that knows what is on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from mpn_ros.result import Person, PoseResult
from mpn_ros.skeleton import COCO

START = 1_700_000_000_000_000_000
STEP = 50_000_000  # ns, 20 images a second
IMAGE, COMPRESSED = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'


class Recording:
    """Writes a bag by the library ``rosbags``. Only here is it imported: the tests skip where it is missing, but a skip
    above would be an error where pytest is given this folder alone."""

    def __init__(self, folder: Path, storage: str = 'mcap') -> None:
        from rosbags.rosbag2 import StoragePlugin, Writer

        from mpn_ros.bag.messages import make_typestore

        self.store = make_typestore()
        self.path = folder
        self._writer = Writer(folder, version=9, storage_plugin=StoragePlugin[storage.upper()])
        self._writer.open()
        self._connections: dict[str, Any] = {}

    def close(self) -> Path:
        self._writer.close()
        return self.path

    def write(self, topic: str, kind: str, stamp: int, message: Any) -> None:
        """``message`` is one of the store's, or its bytes."""
        if topic not in self._connections:
            self._connections[topic] = self._writer.add_connection(topic, kind, typestore=self.store)
        data = message if isinstance(message, bytes) else self.store.serialize_cdr(message, kind)
        self._writer.write(self._connections[topic], stamp, data)

    def header(self, stamp: int, frame: str) -> Any:
        types = self.store.types
        time = types['builtin_interfaces/msg/Time'](sec=stamp // 10**9, nanosec=stamp % 10**9)
        return types['std_msgs/msg/Header'](stamp=time, frame_id=frame)

    def image(
        self,
        topic: str,
        number: int,
        value: int,
        size: tuple[int, int] = (40, 30),
        encoding: str = 'bgr8',
        **fields: object,
    ) -> None:
        """The image ``number`` of a camera, all of one ``value``; ``fields`` break it."""
        stamp, (width, height) = START + number * STEP, size
        channels = {'bgr8': 3, 'mono8': 1, '16UC1': 2}[encoding]
        content = dict(
            header=self.header(stamp, topic.split('/')[1]),
            height=height,
            width=width,
            encoding=encoding,
            is_bigendian=0,
            step=width * channels,
            data=np.full(height * width * channels, value, np.uint8),
        )
        self.write(topic, IMAGE, stamp, self.store.types[IMAGE](**{**content, **fields}))

    def compressed(self, topic: str, number: int, value: int, size: tuple[int, int] = (40, 30)) -> None:
        stamp = START + number * STEP
        data = cv2.imencode('.png', np.full((size[1], size[0], 3), value, np.uint8))[1].ravel()
        self.write(
            topic,
            COMPRESSED,
            stamp,
            self.store.types[COMPRESSED](
                header=self.header(stamp, topic.split('/')[1]), format='bgr8; png compressed bgr8', data=data
            ),
        )

    def text(self, topic: str, number: int, words: str) -> None:
        kind = 'std_msgs/msg/String'
        self.write(topic, kind, START + number * STEP, self.store.types[kind](data=words))


def somebody(image: np.ndarray, channel_order: str = 'rgb') -> PoseResult:
    """One person whose score is the image's first value / 255."""
    keypoints = np.full((17, 3), (3, 4, 0.5), np.float32)
    keypoints[5] = np.nan, np.nan, 0
    mask = np.zeros(image.shape[:2], np.uint8)
    mask[1:3, 2:5] = 255
    return PoseResult((Person(np.array([1, 2, 11, 22], np.float32), int(image[0, 0, 0]) / 255, keypoints),), mask)


@pytest.fixture(autouse=True)
def pipeline(monkeypatch: pytest.MonkeyPatch) -> Callable[..., PoseResult]:
    """``mpn bag`` sees ``somebody`` wherever it looks."""
    monkeypatch.setattr(somebody, 'layout', COCO, raising=False)
    monkeypatch.setattr(somebody, 'segments', True, raising=False)
    monkeypatch.setattr('mpn_ros.commands.bag.make_pipeline', lambda args: somebody)
    return somebody


@pytest.fixture
def record(tmp_path: Path) -> Callable[..., Recording]:
    """``record(storage, folder)`` is a new recording in ``tmp_path / folder``."""
    return lambda storage='mcap', folder='in': Recording(tmp_path / folder, storage)


@pytest.fixture
def street(record: Callable[..., Recording]) -> Callable[[str], Path]:
    """``street(storage)``: two cameras, one of them compressed, and a topic that is none."""

    def make(storage: str, values: Sequence[int] = (51, 102, 204)) -> Path:
        recording = record(storage)
        for number, value in enumerate(values):
            recording.image('/left/image_raw', number, value)
            recording.compressed('/right/image_raw/compressed', number, value, size=(20, 30))
            recording.text('/chatter', number, f'word {number}')
        return recording.close()

    return make
