"""JPEG and PNG as cameras and image_transport send them, and files that lie, are cut off or are something else."""

from __future__ import annotations

import struct
import zlib
from array import array
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from mpn_ros.decoding.compressed import decode_compressed
from mpn_ros.decoding.raw import DecodedImage
from mpn_ros.errors import ImageError


def in_order(order: str, picture: DecodedImage) -> np.ndarray:
    return picture.array if picture.channel_order == order else picture.array[:, :, ::-1]


def message(data: bytes, said: str = '') -> SimpleNamespace:
    return SimpleNamespace(format=said, data=array('B', data))


def encode(kind: str, pixels: np.ndarray) -> bytes:
    return cv2.imencode(kind, pixels)[1].tobytes()


@pytest.fixture
def bgr() -> np.ndarray:
    """Smooth, so that JPEG changes little; red, green and blue all differ, so that a swap shows."""
    y, x = np.mgrid[:48, :64]
    return np.stack([x * 2 + 20, y * 3 + 60, 250 - x - y], -1).astype(np.uint8)


@pytest.mark.parametrize('said', ['png', 'bgr8; png compressed bgr8', 'rgb8; png compressed bgr8', ''])
def test_png_is_exact(bgr, said):
    np.testing.assert_array_equal(in_order('bgr', decode_compressed(message(encode('.png', bgr), said))), bgr)


@pytest.mark.parametrize('said', ['jpeg', 'jpg', 'bgr8; jpeg compressed bgr8', 'rgb8; jpeg compressed bgr8'])
def test_jpeg(bgr, said):
    picture = decode_compressed(message(encode('.jpg', bgr), said))
    np.testing.assert_allclose(in_order('bgr', picture).astype(int), bgr, atol=6)


def test_jpeg_that_was_compressed_as_rgb(bgr):
    picture = decode_compressed(message(encode('.jpg', bgr), 'rgb8; jpeg compressed rgb8'))
    np.testing.assert_allclose(in_order('rgb', picture).astype(int), bgr, atol=6)


def test_alpha_grey_sixteen_bits_and_mosaic(bgr):
    alpha = np.dstack([bgr, np.full(bgr.shape[:2], 9, np.uint8)])
    np.testing.assert_array_equal(decode_compressed(message(encode('.png', alpha))).array, bgr)
    grey = bgr[:, :, 0]
    np.testing.assert_array_equal(decode_compressed(message(encode('.png', grey))).array, np.dstack([grey] * 3))
    deep = grey.astype(np.uint16) * 257
    np.testing.assert_array_equal(decode_compressed(message(encode('.png', deep))).array, np.dstack([grey] * 3))
    mosaic = np.tile(np.array([[200, 90], [90, 30]], np.uint8), (8, 8))
    got = decode_compressed(message(encode('.png', mosaic), 'bayer_rggb8; png compressed '))
    assert (in_order('rgb', got) == [200, 90, 30]).all()


def test_orientation_tag_is_ignored(bgr):
    tags = b'II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0'  # orientation 6: turned by 90 degrees
    segment = b'Exif\0\0' + tags
    jpeg = encode('.jpg', bgr)
    jpeg = jpeg[:2] + b'\xff\xe1' + struct.pack('>H', len(segment) + 2) + segment + jpeg[2:]
    assert decode_compressed(message(jpeg)).array.shape == bgr.shape


@pytest.mark.parametrize(
    'tail', [bytes(100), bytes(5000), b'\r\n', b'\0\r\n', b'stale' * 300, b'\xff\xd8\xff\xe0stale']
)
def test_what_follows_the_end_of_a_jpeg_is_passed_over(bgr, tail):
    jpeg = encode('.jpg', bgr)
    np.testing.assert_array_equal(decode_compressed(message(jpeg + tail)).array, decode_compressed(message(jpeg)).array)


def test_a_cut_jpeg_is_cut_whatever_follows(bgr):
    jpeg = encode('.jpg', bgr)
    for tail in (bytes(300), b'\r\n', bytes(range(1, 200))):
        with pytest.raises(ImageError, match='cut off'):
            decode_compressed(message(jpeg[: len(jpeg) * 3 // 4] + tail))


def test_the_end_of_a_thumbnail_is_not_that_of_the_picture(bgr):
    jpeg, thumbnail = encode('.jpg', bgr), encode('.jpg', bgr[:8, :8])
    segment = b'Exif\0\0' + thumbnail
    jpeg = jpeg[:2] + b'\xff\xe1' + struct.pack('>H', len(segment) + 2) + segment + jpeg[2:]
    assert decode_compressed(message(jpeg)).array.shape == bgr.shape
    with pytest.raises(ImageError, match='cut off'):
        decode_compressed(message(jpeg[:-100]))


def png_claiming(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))

    return (
        b'\x89PNG\r\n\x1a\n'
        + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0))
        + chunk(b'IDAT', zlib.compress(bytes(100)))
        + chunk(b'IEND', b'')
    )


def jpeg_claiming(bgr: np.ndarray, width: int, height: int) -> bytes:
    jpeg = bytearray(encode('.jpg', bgr))
    at = jpeg.index(b'\xff\xc0')
    jpeg[at + 5 : at + 9] = struct.pack('>HH', height, width)
    return bytes(jpeg)


def test_bombs_are_refused_before_they_are_unpacked(bgr, monkeypatch):
    monkeypatch.setattr(cv2, 'imdecode', lambda *_: pytest.fail('it was unpacked'))
    for bomb in (
        png_claiming(60000, 60000),
        png_claiming(2**31 - 1, 1),
        png_claiming(0, 5),
        jpeg_claiming(bgr, 65500, 65500),
    ):
        with pytest.raises(ImageError, match='larger than|no pixels'):
            decode_compressed(message(bomb))


@pytest.mark.parametrize('kind', ['.png', '.jpg'])
def test_every_cut_is_refused(bgr, kind):
    whole = encode(kind, bgr)
    for length in [*range(0, 40), *range(40, len(whole) - 1, 61), len(whole) - 1]:
        with pytest.raises(ImageError):
            decode_compressed(message(whole[:length]))


def test_a_size_that_the_data_does_not_fill_is_refused():
    with pytest.raises(ImageError, match='300x300'):
        decode_compressed(message(png_claiming(300, 300)))


@pytest.mark.parametrize('data', [b'', b'\xff\xd8', b'GIF89a' + bytes(40), b'RIFF' + bytes(40), bytes(200)])
def test_other_files_are_refused(data):
    with pytest.raises(ImageError):
        decode_compressed(message(data))


def test_damage_inside_a_png_is_refused(bgr):
    data = bytearray(encode('.png', bgr))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(ImageError, match='damaged'):
        decode_compressed(message(bytes(data)))
