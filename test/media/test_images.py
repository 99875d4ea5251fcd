"""Pictures in and out of files."""

from __future__ import annotations

import io
import os
import re
import struct

import cv2
import numpy as np
import pytest
from PIL import Image

from mpn_ros.errors import ImageError
from mpn_ros.media import read_image, write_image
from mpn_ros.media.images import aspect_ratio, load_image

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


def test_a_picture_is_turned_upright_unless_its_pixels_are_wanted(lying_picture):
    assert read_image(lying_picture).shape == (40, 20, 3)
    assert read_image(lying_picture, upright=False).shape == (20, 40, 3)


def test_the_shape_of_a_picture_is_that_of_its_upright_image(lying_picture, tmp_path):
    image = read_image(lying_picture)
    assert aspect_ratio(lying_picture) == image.shape[1] / image.shape[0] == 0.5
    write_image(tmp_path / 'wide.png', np.zeros((10, 40, 3), np.uint8))
    assert aspect_ratio(tmp_path / 'wide.png') == 4
    (tmp_path / 'none.png').write_bytes(b'no picture')
    assert aspect_ratio(tmp_path / 'none.png') is aspect_ratio(tmp_path / 'gone.png') is None


def test_a_picture_is_bgr_even_if_it_is_grey_or_transparent(tmp_path):
    blue = np.zeros((4, 5, 4), np.uint8)
    blue[..., 0] = blue[..., 3] = 255
    write_image(tmp_path / 'blue.png', blue)
    assert read_image(tmp_path / 'blue.png')[0, 0].tolist() == [255, 0, 0]
    write_image(tmp_path / 'grey.png', np.full((4, 5), 7, np.uint8))
    assert read_image(tmp_path / 'grey.png')[3, 4].tolist() == [7, 7, 7]


@pytest.mark.parametrize(
    ('content', 'sentence'),
    [
        (None, 'cannot be read: No such file'),
        (b'', 'is empty'),
        (b'plain text', 'is not a picture that can be decoded'),
    ],
)
def test_what_is_no_picture_is_named(tmp_path, content, sentence):
    path = tmp_path / 'holiday.jpg'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ImageError, match=f'holiday.jpg {sentence}'):
        read_image(path)


def test_a_picture_that_cannot_be_written_is_said(tmp_path):
    with pytest.raises(ImageError, match='cannot be written'):
        write_image(tmp_path / 'nowhere' / 'a.jpg', np.zeros((4, 5, 3), np.uint8))


def jpeg(height: int = 48, width: int = 64) -> bytes:
    """Of noise, so that every row needs its bytes."""
    return cv2.imencode('.jpg', np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8))[1].tobytes()


@pytest.mark.parametrize('tail', [bytes(1000), b'\r\n', jpeg()[300:]], ids=['zeros', 'line end', 'stale bytes'])
def test_what_follows_a_whole_jpeg_is_passed_over(tmp_path, tail):
    (tmp_path / 'padded.jpg').write_bytes(jpeg() + tail)
    assert load_image(tmp_path / 'padded.jpg').whole
    np.testing.assert_array_equal(read_image(tmp_path / 'padded.jpg'), cv2.imdecode(np.frombuffer(jpeg(), np.uint8), 1))


def test_a_jpeg_that_is_cut_off_is_shown_and_told(tmp_path, capfd):
    path = tmp_path / 'cut.jpg'
    path.write_bytes(jpeg()[: len(jpeg()) // 2])
    image, whole = load_image(path)
    assert image.shape == (48, 64, 3) and not whole
    with pytest.raises(ImageError, match='cut.jpg is cut off'):
        read_image(path)
    assert capfd.readouterr() == ('', ''), 'the decoder keeps its own words to itself'


@pytest.mark.parametrize('name', [b'caf\xe9.png', b'\xff.jpg', b'a%03d.png', b'http:x.png', b'new\nline.png'])
def test_a_name_is_bytes(tmp_path, name):
    path = tmp_path / os.fsdecode(name)
    write_image(path, np.full((4, 5, 3), 7, np.uint8))
    assert os.listdir(os.fsencode(tmp_path)) == [name]
    assert read_image(path)[3, 4].tolist() == [7, 7, 7]


@pytest.mark.parametrize(
    ('kind', 'mode'),
    [
        ('TGA', 'RGB'),
        ('PCX', 'L'),
        ('ICO', 'RGBA'),
        ('TIFF', 'I;16'),
        ('TIFF', 'F'),
        ('TIFF', 'LAB'),
        ('GIF', 'P'),
        ('WEBP', 'RGBA'),
        ('SGI', 'RGB'),
    ],
)
def test_what_pillow_knows_is_read_too(tmp_path, kind, mode):
    path = tmp_path / f'picture.{kind.lower()}'
    Image.new(mode, (32, 16), None if mode in ('P', 'F', 'I;16') else 0).save(path, kind)
    image = read_image(path)
    with Image.open(path) as known:
        assert image.dtype == np.uint8 and image.shape == (*known.size[::-1], 3)


def test_an_avif_is_turned_as_its_exif_says(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = LYING
    try:
        Image.new('RGB', (40, 20)).save(tmp_path / 'lying.avif', exif=exif)
    except (KeyError, OSError, ValueError):
        pytest.skip('this Pillow writes no AVIF')
    assert read_image(tmp_path / 'lying.avif').shape == (40, 20, 3)


def test_a_photo_of_a_phone_is_decoded_and_turned(tmp_path):
    heif = pytest.importorskip('pillow_heif', reason='pillow-heif is not installed here: the extra heif')
    exif = Image.Exif()
    exif[0x0112] = LYING
    pixels = np.zeros((600, 1000, 3), np.uint8)
    pixels[:, :500] = 200, 30, 10
    heif.from_pillow(Image.fromarray(pixels)).save(tmp_path / 'IMG_0001.HEIC', exif=exif.tobytes(), quality=90)
    image = read_image(tmp_path / 'IMG_0001.HEIC')
    assert image.shape == (1000, 600, 3), 'a quarter turned'
    np.testing.assert_allclose(image[100, 300], (10, 30, 200), atol=12)


def _ftyp(*brands: bytes) -> bytes:
    body = b'ftyp' + brands[0] + bytes(4) + b''.join(brands)
    return struct.pack('>I', len(body) + 4) + body + struct.pack('>I4s', 108, b'meta') + bytes(100)


@pytest.mark.parametrize(
    ('content', 'sentence'),
    [
        (_ftyp(b'heic', b'mif1', b'heic'), 'HEIF, which nothing here can decode: pip install pillow-heif'),
        (_ftyp(b'mif1', b'heic'), 'HEIF, which nothing here can decode: pip install pillow-heif'),
        (b'\0\0\0\x0cJXL \r\n\x87\n' + bytes(50), 'JPEG XL, which nothing here can decode: pip install'),
        (b'gimp xcf v011' + bytes(50), 'XCF, which nothing here can decode; save it as'),
    ],
)
def test_a_format_that_nothing_reads_is_named_with_what_would(tmp_path, monkeypatch, content, sentence):
    monkeypatch.delitem(Image.OPEN, 'HEIF', raising=False)  # as without pillow-heif
    monkeypatch.setattr('mpn_ros.media.images.identify', lambda *_, **__: None)
    (tmp_path / 'IMG_0001.jpg').write_bytes(content)
    with pytest.raises(ImageError, match=re.escape(f'IMG_0001.jpg is a picture in {sentence}')):
        read_image(tmp_path / 'IMG_0001.jpg')


def test_what_is_damaged_asks_for_no_package_that_is_there(tmp_path):
    pytest.importorskip('pillow_heif', reason='pillow-heif is not installed here: the extra heif')
    (tmp_path / 'IMG_0001.HEIC').write_bytes(_ftyp(b'heic', b'mif1', b'heic'))
    with pytest.raises(ImageError, match='IMG_0001.HEIC is not a picture that can be decoded'):
        read_image(tmp_path / 'IMG_0001.HEIC')


def test_no_program_is_run_to_read_a_picture(tmp_path, monkeypatch):
    """Pillow would have Ghostscript run an EPS."""
    monkeypatch.setattr('subprocess.check_call', lambda *_, **__: pytest.fail('a program was run'))
    (tmp_path / 'a.eps').write_bytes(b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n')
    with pytest.raises(ImageError, match='a.eps is a picture in EPS'):
        read_image(tmp_path / 'a.eps')


def test_a_picture_that_claims_to_be_huge_is_refused(tmp_path):
    buffer = io.BytesIO()
    Image.new('L', (8, 8)).save(buffer, 'BMP')
    data = bytearray(buffer.getvalue())
    data[18:26] = struct.pack('<ii', 60000, 60000)
    (tmp_path / 'bomb.bmp').write_bytes(data)
    with pytest.raises(ImageError, match='bomb.bmp has more than'):
        read_image(tmp_path / 'bomb.bmp')


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / 'pipe.jpg')
    with pytest.raises(ImageError, match='pipe.jpg is not a file'):
        read_image(tmp_path / 'pipe.jpg')
