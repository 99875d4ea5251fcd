"""Files of videos, pictures, recordings and labels, damaged, for the readers of them. `python -m
benchmarks.fuzz.containers KIND FIRST COUNT` tries some in this process, which a fault in a library may end."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
from PIL import Image

from benchmarks.fuzz.files import damage
from mpn_ros.coco import read_dataset
from mpn_ros.errors import MpnError
from mpn_ros.media import VideoReader
from mpn_ros.media.images import load_image
from mpn_ros.media.kinds import media_kind

SECONDS = 5.0
"""Most processor time that a file may take."""
PORTION = 500
"""Cases of one process."""
MEMORY = 4 << 30
"""Bytes of address space of one process beyond what it begins with."""


@dataclass(frozen=True)
class Kind:
    """``make(folder)`` writes right files into a folder, each by itself; ``read(path)`` reads one. ``change`` damages
    the bytes of one, or where the right ones are folders, of the file ``inside``."""

    make: Callable[[Path], None]
    read: Callable[[Path], object]
    change: Callable[[bytes, Random], bytes]
    inside: str = ''


def _videos(folder: Path) -> None:
    for name, codec in (
        ('a.mp4', 'mp4v'),
        ('b.mkv', 'MJPG'),
        ('c.avi', 'MJPG'),
        ('d.webm', 'VP80'),
        ('e.flv', 'FLV1'),
        ('f.ts', 'MPG1'),
        ('g.m1v', 'MPG1'),
        ('h.mjpeg', 'MJPG'),
        ('i.h263', 'H263'),
    ):
        film = cv2.VideoWriter(str(folder / name), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*codec), 20.0, (176, 144))
        for index in range(8):
            film.write(np.full((144, 176, 3), 30 * index, np.uint8))
        film.release()
    pictures = [Image.new('RGB', (20, 12), (60 * index, 0, 0)) for index in range(4)]
    for suffix in ('gif', 'png', 'webp'):
        pictures[0].save(folder / f'j.{suffix}', save_all=True, append_images=pictures[1:], duration=[50, 90, 40, 60])


def _pictures(folder: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (12, 17, 3), np.uint8)
    for suffix in ('png', 'jpg', 'bmp', 'tif', 'webp', 'ppm', 'jp2', 'hdr', 'pfm', 'ras'):
        content = pixels.astype(np.float32) if suffix in ('hdr', 'pfm') else pixels
        cv2.imwrite(str(folder / f'a.{suffix}'), content)
    for suffix in ('gif', 'tga', 'pcx', 'ico', 'sgi', 'dds', 'avif', 'qoi', 'xbm', 'icns'):
        mode = {'xbm': '1', 'gif': 'P'}.get(suffix, 'RGB')
        try:
            Image.fromarray(pixels).resize((16, 16)).convert(mode).save(folder / f'b.{suffix}')
        except (OSError, KeyError, ValueError):  # a Pillow without that format
            (folder / f'b.{suffix}').unlink(missing_ok=True)


def _read_picture(path: Path) -> None:
    if media_kind(path) == 'image':
        load_image(path)
    else:
        _read_video(path)


def _read_video(path: Path) -> None:
    with VideoReader(path) as video:
        video.overlay_rate()
        for _ in video:
            pass


def _bag(folder: Path, storage: str) -> None:
    from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

    from mpn_ros.bag.messages import IMAGE, make_typestore

    store = make_typestore()
    for packed in (False, True) if storage == 'MCAP' else (False,):
        path = folder / f'in{packed:d}'
        writer = Writer(path, version=9, storage_plugin=StoragePlugin[storage])
        if packed:
            writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
        with writer:
            time = store.types['builtin_interfaces/msg/Time'](sec=1, nanosec=2)
            image = store.types[IMAGE](
                header=store.types['std_msgs/msg/Header'](stamp=time, frame_id='a'),
                height=2,
                width=3,
                encoding='bgr8',
                is_bigendian=0,
                step=9,
                data=np.arange(18, dtype=np.uint8),
            )
            text = store.types['std_msgs/msg/String'](data='word')
            topics = {'/a/image_raw': image, '/b/image_raw': image, '/chatter': text}
            for topic, message in topics.items():
                connection = writer.add_connection(topic, message.__msgtype__, typestore=store)
                for number in range(4):
                    writer.write(connection, 10**18 + number, store.serialize_cdr(message, message.__msgtype__))


def _files_of_bags(storage: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        with TemporaryDirectory() as made:
            _bag(Path(made), storage)
            for path in Path(made).glob('*/*.*'):
                if path.suffix != '.yaml':
                    shutil.copy(path, folder)

    return make


def _read_bag(path: Path) -> None:
    from mpn_ros.bag.cameras import find_cameras
    from mpn_ros.bag.recording import Recording

    with Recording(path) as recording:
        find_cameras(recording, _store(), lambda sentence: None)
        for _ in recording.messages():
            pass


@lru_cache
def _store() -> Any:
    from mpn_ros.bag.messages import make_typestore

    return make_typestore()


def harm(data: bytes, random: Random) -> bytes:
    """Bytes changed alone, so that what follows stays in its place, or any damage."""
    if random.random() < 0.5:
        return damage(data, random)
    content = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 8))):
        at = random.randrange(len(content))
        content[at] = random.choice((0, 1, 0x7F, 0xFF, content[at] ^ 1 << random.randrange(8)))
    return bytes(content)


def _labels(folder: Path) -> None:
    people = [
        {
            'id': number,
            'image_id': 1,
            'category_id': 1,
            'bbox': [1, 2, 30, 40],
            'area': 1200,
            'iscrowd': 0,
            'num_keypoints': 17,
            'keypoints': [5, 6, 2] * 17,
            'segmentation': [[1, 2, 31, 2, 31, 42]],
        }
        for number in range(3)
    ]
    content = {
        'images': [{'id': 1, 'file_name': '1.png', 'width': 50, 'height': 60}],
        'annotations': people,
        'categories': [{'id': 1, 'name': 'person', 'keypoints': [], 'skeleton': [[1, 2]]}],
    }
    (folder / 'labels.json').write_text(json.dumps(content))


ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1,
    2**63,
    10**400,
    1e308,
    float('nan'),
    float('inf'),
    '',
    '1',
    'left',
    'é\0',
    [],
    {},
    [[]],
    [1, 2],
    {'id': 1},
    '../../etc/passwd',
    -0.5,
)
"""Values that a writer of JSON or YAML may put in the place of another."""


def change_json(data: bytes, random: Random) -> bytes:
    """A JSON with bytes, or with values, other than they were."""
    if random.random() < 0.3:
        return harm(data, random)
    content = json.loads(data)
    for _ in range(random.randint(1, 3)):
        places = list(_places(content))
        if places:
            parent, key = random.choice(places)
            if random.random() < 0.2:
                del parent[key]
            else:
                parent[key] = random.choice(ODD)
    return json.dumps(content).encode()


def _places(content: Any) -> list[tuple[Any, Any]]:
    """Every place in lists and objects, from the root on."""
    keys = content.keys() if isinstance(content, dict) else range(len(content)) if isinstance(content, list) else ()
    here = [(content, key) for key in keys]
    return here + [place for key in list(keys) for place in _places(content[key])]


def change_yaml(data: bytes, random: Random) -> bytes:
    """A YAML with bytes, or with the values or the depth of lines, other than they were."""
    if random.random() < 0.3:
        return harm(data, random)
    lines = data.decode().splitlines()
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(lines))
        key, colon, _ = lines[at].partition(': ')
        lines[at] = random.choice(
            (
                f'{key}: {random.choice(ODD)!r}' if colon else key,
                f' {lines[at]}',
                lines[at].strip(),
                f'- {lines[at]}',
                f'{key}: &a [*a, *a]',
                f'{key}: !!python/name:os.system',
                f'{key}: {"[" * 200}',
                '',
            )
        )
    return '\n'.join(lines).encode()


KINDS = {
    'video': Kind(_videos, _read_video, harm),
    'picture': Kind(_pictures, _read_picture, harm),
    'mcap': Kind(_files_of_bags('MCAP'), _read_bag, harm),
    'sqlite': Kind(_files_of_bags('SQLITE3'), _read_bag, harm),
    'yaml': Kind(lambda folder: _bag(folder, 'MCAP'), _read_bag, change_yaml, 'metadata.yaml'),
    'labels': Kind(_labels, lambda path: read_dataset(None, path), change_json),
}
"""What is damaged, and who reads it."""


def attempt(name: str, first: int, count: int) -> dict[str, float]:
    """Reads ``count`` damaged files, the same for the same numbers. Raises AssertionError, with the number, for a
    reader that raises anything but one sentence, or that takes too long. Returns how many were ``read`` and
    ``refused``, and the most ``seconds`` that one took."""
    kind, tally = KINDS[name], {'read': 0.0, 'refused': 0.0, 'seconds': 0.0}
    with TemporaryDirectory() as made, TemporaryDirectory() as place:
        kind.make(Path(made))
        right = sorted(Path(made).iterdir())
        for number in range(first, first + count):
            random = Random(f'{name} {number}')
            chosen = random.choice(right)
            path = Path(place, chosen.name)
            if chosen.is_dir():
                shutil.copytree(chosen, path, dirs_exist_ok=True)
            target = path / kind.inside if kind.inside else path
            target.write_bytes(kind.change((chosen / kind.inside if kind.inside else chosen).read_bytes(), random))
            begun = time.process_time()
            try:
                kind.read(path)
                tally['read'] += 1
            except MpnError as error:
                assert '\n' not in str(error), f'{name} {number}: {error}'
                tally['refused'] += 1
            except Exception as error:
                raise AssertionError(f'{name} {number}, {chosen.name}: {error!r}') from error
            seconds = time.process_time() - begun
            assert seconds < SECONDS, f'{name} {number}, {chosen.name}: {seconds:.1f} s'
            tally['seconds'] = max(tally['seconds'], seconds)
    return tally


def campaign(name: str, first: int, count: int) -> dict[str, float]:
    """``attempt`` in a process of its own, whose memory is bounded. Raises AssertionError where it ends otherwise."""
    done = subprocess.run(
        [sys.executable, '-m', 'benchmarks.fuzz.containers', name, str(first), str(count)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f'{name} {first} to {first + count}, status {done.returncode}: {done.stderr[-2000:]}'
    tally: dict[str, float] = json.loads(done.stdout)
    return tally


if __name__ == '__main__':
    pages = int(Path('/proc/self/statm').read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, resource.RLIM_INFINITY))
    os.environ['OPENCV_LOG_LEVEL'] = 'SILENT'
    print(json.dumps(attempt(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
