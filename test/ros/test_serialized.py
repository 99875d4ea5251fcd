"""Images are read as rclpy serialises them, and what is no image is refused."""

from __future__ import annotations

import struct

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='ROS 2 is not installed here')

from builtin_interfaces.msg import Time  # noqa: E402
from rclpy.serialization import deserialize_message, serialize_message  # noqa: E402
from sensor_msgs.msg import CompressedImage, Image  # noqa: E402
from std_msgs.msg import Header  # noqa: E402

from mpn_ros.errors import ImageError  # noqa: E402
from mpn_ros.messages import serialize_image  # noqa: E402
from mpn_ros.ros.serialized import read_compressed_image, read_image  # noqa: E402

HEADER = Header(stamp=Time(sec=-3, nanosec=999_999_999), frame_id='camera')


def image(frame: str = 'camera', encoding: str = 'bgr8') -> Image:
    message = Image(
        header=Header(stamp=HEADER.stamp, frame_id=frame), height=2, width=3, encoding=encoding, is_bigendian=1, step=9
    )
    message.data.frombytes(np.arange(18, dtype=np.uint8).tobytes())
    return message


@pytest.mark.parametrize('frame', ['', 'a', 'ab', 'abc', 'abcd', 'Kamera_ä'])
@pytest.mark.parametrize('encoding', ['', 'rgb8', 'mono8', 'mono16'])
def test_an_image_is_what_was_sent(frame, encoding):
    message = image(frame, encoding)
    read = read_image(serialize_message(message))
    for name, value in read._asdict().items():
        want = getattr(message, name)
        assert value == want if name != 'data' else bytes(value) == want.tobytes(), name


@pytest.mark.parametrize('frame', ['', 'a', 'ab', 'abc', 'abcd', 'Kamera_ä'])
@pytest.mark.parametrize('encoding, shape', [('mono8', (5, 3)), ('rgb8', (2, 4, 3)), ('bgr', (1, 1, 3)), ('', (2, 2))])
def test_an_image_is_written_as_rclpy_would(frame, encoding, shape):
    pixels = np.arange(24, dtype=np.uint8)[: np.prod(shape)].reshape(shape)
    header = Header(stamp=HEADER.stamp, frame_id=frame)
    written = serialize_image(pixels, encoding, header)
    height, width = shape[:2]
    message = Image(header=header, height=height, width=width, encoding=encoding, step=pixels.nbytes // height)
    message.data.frombytes(pixels.tobytes())
    assert deserialize_message(written, Image) == message
    assert len(written) == len(serialize_message(message))  # which has anything where nothing is said


def test_of_a_part_of_a_picture_only_the_part_is_written():
    pixels = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    read = read_image(serialize_image(pixels[1:3, 1:4], 'rgb8', HEADER))
    assert (read.header, read.height, read.width, read.step) == (HEADER, 2, 3, 9)
    assert bytes(read.data) == pixels[1:3, 1:4].tobytes()


@pytest.mark.parametrize('kind', ['jpeg', 'rgb8; jpeg compressed bgr8'])
def test_a_compressed_image_is_what_was_sent(kind):
    message = CompressedImage(header=HEADER, format=kind)
    message.data.frombytes(b'\xff\xd8 anything \xff\xd9')
    read = read_compressed_image(serialize_message(message))
    assert (read.header, read.format, bytes(read.data)) == (HEADER, kind, message.data.tobytes())


def test_numbers_may_come_with_their_highest_byte_first():
    header = struct.pack('>iII8s', -3, 999_999_999, 7, b'camera\0\0')
    read = read_image(b'\0\0\0\0' + header + struct.pack('>III6sxxIIB', 2, 3, 5, b'bgr8\0\1', 9, 1, 7))
    assert read[:6] == (HEADER, 2, 3, 'bgr8', 1, 9) and bytes(read.data) == b'\7'


def test_the_bytes_are_not_copied():
    message = serialize_message(image())
    assert read_image(message).data.obj is message


def test_what_is_cut_off_is_refused():
    message = serialize_message(image())
    for length in range(len(message) - 1):
        with pytest.raises(ImageError, match=r'cut off|is no image'):
            read_image(message[:length])


@pytest.mark.parametrize('form', [b'\0\2', b'\0\3', b'\1\1', b'\xff\xff'])
def test_another_form_of_serialisation_is_named(form):
    with pytest.raises(ImageError, match=f"begins with '{form.hex()}' is no image"):
        read_image(form + serialize_message(image())[2:])
