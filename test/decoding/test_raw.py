"""Every encoding against a reference that shares no code with the decoder, and everything that is not an image
refused."""

from __future__ import annotations

from array import array
from types import SimpleNamespace

import numpy as np
import pytest

from mpn_ros.decoding.raw import ENCODINGS, DecodedImage, decode_image
from mpn_ros.errors import ImageError


def in_order(order: str, picture: DecodedImage) -> np.ndarray:
    return picture.array if picture.channel_order == order else picture.array[:, :, ::-1]


def image(
    encoding: str, rows: np.ndarray, height: int | None = None, padding: int = 0, big: bool = False
) -> SimpleNamespace:
    """A message of ``rows`` ``(R, W, ...)``, each row followed by ``padding`` bytes of noise."""
    data = rows.astype(rows.dtype.newbyteorder('>' if big else '<')).reshape(len(rows), -1).view(np.uint8)
    data = np.hstack([data, np.full((len(rows), padding), 0xA5, np.uint8)])
    return SimpleNamespace(
        encoding=encoding,
        width=rows.shape[1],
        height=height or len(rows),
        step=data.shape[1],
        is_bigendian=int(big),
        data=array('B', data.tobytes()),
    )


def rgb_of(message: SimpleNamespace) -> np.ndarray:
    return in_order('rgb', decode_image(message))


@pytest.fixture
def rgb() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (6, 10, 3), np.uint8)


@pytest.mark.parametrize('padding', [0, 2, 7])
@pytest.mark.parametrize(
    'encoding, channels',
    [
        ('rgb8', [0, 1, 2]),
        ('bgr8', [2, 1, 0]),
        ('8UC3', [2, 1, 0]),
        ('rgba8', [0, 1, 2, 0]),
        ('bgra8', [2, 1, 0, 0]),
        ('8UC4', [2, 1, 0, 1]),
    ],
)
def test_colour_channels_and_padding(rgb, encoding, channels, padding):
    np.testing.assert_array_equal(rgb_of(image(encoding, rgb[:, :, channels], padding=padding)), rgb)


@pytest.mark.parametrize('padding', [0, 5])
@pytest.mark.parametrize('encoding', ['mono8', '8UC1'])
def test_grey_is_spread_over_three_channels(rgb, encoding, padding):
    np.testing.assert_array_equal(rgb_of(image(encoding, rgb[:, :, :1], padding=padding)), rgb[:, :, [0, 0, 0]])


@pytest.mark.parametrize('big', [False, True])
@pytest.mark.parametrize(
    'encoding, channels',
    [('mono16', [0]), ('rgb16', [0, 1, 2]), ('bgr16', [2, 1, 0]), ('rgba16', [0, 1, 2, 0]), ('bgra16', [2, 1, 0, 1])],
)
def test_sixteen_bits_are_scaled_and_rounded_in_both_byte_orders(encoding, channels, big):
    deep = np.random.default_rng(1).integers(0, 65536, (4, 5, 3), np.uint16)
    deep[0, 0], deep[0, 1] = 65535, 0
    wanted = np.round(deep[:, :, [0, 0, 0]] / 257.0) if encoding == 'mono16' else np.round(deep / 257.0)
    message = image(encoding, deep[:, :, channels], padding=6, big=big)
    np.testing.assert_array_equal(rgb_of(message), wanted.astype(np.uint8))


def bt601(yuv: np.ndarray) -> np.ndarray:
    """``(..., 3)`` Y, U, V in video range to RGB by the standard's constants."""
    y, u, v = (yuv.astype(float) - [16, 128, 128])[..., [0, 1, 2]].transpose(2, 0, 1)
    y = y * 255 / 219
    red, blue = y + 1.402 * 255 / 224 * v, y + 1.772 * 255 / 224 * u
    green = (y - 0.299 * red - 0.114 * blue) / 0.587
    return np.clip(np.stack([red, green, blue], -1), 0, 255)


@pytest.fixture
def yuv() -> np.ndarray:
    """``(6, 8, 3)``, chroma constant over each 2x2 block so that subsampling loses nothing."""
    random = np.random.default_rng(2)
    chroma = random.integers(60, 200, (3, 4, 2)).repeat(2, 0).repeat(2, 1)
    return np.dstack([random.integers(40, 220, (6, 8, 1)), chroma]).astype(np.uint8)


def packed(yuv: np.ndarray, luma_first: bool) -> np.ndarray:
    chroma = yuv[:, :, 1].copy()
    chroma[:, 1::2] = yuv[:, 1::2, 2]
    return np.stack([yuv[:, :, 0], chroma] if luma_first else [chroma, yuv[:, :, 0]], -1)


@pytest.mark.parametrize('padding', [0, 3])
@pytest.mark.parametrize(
    'encoding, luma_first', [('yuv422', False), ('uyvy', False), ('yuv422_yuy2', True), ('yuyv', True)]
)
def test_packed_yuv(yuv, encoding, luma_first, padding):
    got = rgb_of(image(encoding, packed(yuv, luma_first), padding=padding))
    np.testing.assert_allclose(got, bt601(yuv), atol=2)


@pytest.mark.parametrize('padding', [0, 8])
@pytest.mark.parametrize('encoding', ['nv12', 'nv21', 'nv24'])
def test_yuv_in_two_planes(yuv, encoding, padding):
    height, width = yuv.shape[:2]
    chroma = yuv[:, :, 1:] if encoding == 'nv24' else yuv[::2, ::2, 1:] if encoding == 'nv12' else yuv[::2, ::2, :0:-1]
    pad = np.full((height, padding), 0xA5, np.uint8)
    rows = np.vstack(
        [
            np.hstack([yuv[:, :, 0], pad]),
            np.hstack([chroma.reshape(-1, width), pad.repeat(2, 0)[: chroma.size // width]]),
        ]
    )
    if padding and encoding == 'nv24':  # its chroma rows are twice as long, so is their padding
        chroma = np.hstack([chroma.reshape(height, -1), pad, pad]).reshape(-1, width + padding)
        rows = np.vstack([rows[:height], chroma])
    message = SimpleNamespace(
        encoding=encoding,
        width=width,
        height=height,
        step=width + padding,
        is_bigendian=0,
        data=array('B', rows.tobytes()),
    )
    np.testing.assert_allclose(rgb_of(message), bt601(yuv), atol=2)


@pytest.mark.parametrize('bits', [8, 16])
@pytest.mark.parametrize('pattern', ['rggb', 'bggr', 'gbrg', 'grbg'])
def test_bayer_mosaic_of_one_colour_gives_that_colour(pattern, bits):
    colour = {'r': 200, 'g': 90, 'b': 30}
    mosaic = np.array([colour[c] for c in pattern], np.uint8).reshape(2, 2)
    mosaic = np.tile(mosaic, (4, 5)).astype(f'u{bits // 8}') * (257 if bits == 16 else 1)
    got = rgb_of(image(f'bayer_{pattern}{bits}', mosaic[:, :, None], padding=4))
    np.testing.assert_array_equal(got, np.broadcast_to(np.array([200, 90, 30], np.uint8), got.shape))


def test_plain_colour_is_a_view_of_the_message(rgb):
    message = image('rgb8', rgb, padding=4)
    picture = decode_image(message)
    assert picture.channel_order == 'rgb' and np.shares_memory(picture.array, np.frombuffer(message.data, np.uint8))


BAD = {
    'unknown encoding': ({'encoding': 'rgb12'}, "'rgb12'"),
    'depth is no picture': ({'encoding': '16UC1'}, "'16UC1'"),
    'no width': ({'width': 0}, '0x6'),
    'no height': ({'height': 0}, '10x0'),
    'huge': ({'width': 60000, 'step': 180000}, '60000x6'),
    'more pixels than the bound': ({'width': 16000, 'height': 16000}, '16000x16000'),
    'step of zero': ({'step': 0}, 'step of 0'),
    'step shorter than a row': ({'step': 29}, 'step of 29'),
    'step longer than the data': ({'step': 31}, '180 bytes instead of 186'),
    'short data': ({'data': array('B', bytes(179))}, '179 bytes instead of 180'),
    'long data': ({'data': array('B', bytes(181))}, '181 bytes instead of 180'),
    'no data': ({'data': array('B')}, '0 bytes'),
}


@pytest.mark.parametrize('change, says', BAD.values(), ids=BAD)
def test_what_is_no_image_is_refused_in_a_sentence(rgb, change, says):
    message = image('rgb8', rgb)
    vars(message).update(change)
    with pytest.raises(ImageError) as error:
        decode_image(message)
    assert says in str(error.value) and '\n' not in str(error.value)


@pytest.mark.parametrize('encoding', ['yuv422', 'yuyv', 'nv12', 'nv21'])
def test_odd_sizes_of_subsampled_encodings_are_refused(encoding):
    channels = ENCODINGS[encoding].channels
    with pytest.raises(ImageError, match='5x4'):
        decode_image(image(encoding, np.zeros((4 * ENCODINGS[encoding].rows // 2, 5, channels), np.uint8), height=4))


class Recorder:
    """Stands for a CvBridge: answers with a marked picture, so that one sees who converted."""

    def imgmsg_to_cv2(self, message, encoding):
        assert encoding == 'bgr8'
        return np.full((message.height, message.width, 3), 7, np.uint8)


@pytest.mark.parametrize(
    'encoding, padding, big, bridged',
    [
        ('mono16', 0, False, True),
        ('mono16', 4, False, True),
        ('mono16', 3, False, False),  # it would skew rows of one and a half pixels
        ('mono16', 0, True, False),  # it raises under NumPy 2
        ('mono8', 0, False, False),
    ],
)  # nothing to convert but to copy
def test_cv_bridge_gets_what_it_does_right(encoding, padding, big, bridged):
    message = image(encoding, np.zeros((4, 4, 1), f'u{ENCODINGS[encoding].itemsize}'), padding=padding, big=big)
    assert (decode_image(message, Recorder()).array == 7).all() == bridged


def test_a_failing_cv_bridge_is_an_image_error():
    class Broken:
        def imgmsg_to_cv2(self, message, encoding):
            raise RuntimeError('boost says no')

    with pytest.raises(ImageError, match='boost says no'):
        decode_image(image('mono16', np.zeros((4, 4, 1), np.uint16)), Broken())


@pytest.mark.parametrize(
    'encoding',
    [
        'mono16',
        'yuv422',
        'yuv422_yuy2',
        'bayer_rggb8',
        'bayer_bggr16',
        'bayer_gbrg8',
        'bayer_grbg16',
        'bgr8',
        'rgb8',
        'rgba8',
        'bgra8',
        'mono8',
    ],
)
def test_cv_bridge_gives_the_same_picture(encoding):
    pytest.importorskip('cv_bridge', reason='cv_bridge is not installed here')
    from mpn_ros.ros.bridge import probe_cv_bridge

    bridge, why = probe_cv_bridge()
    if bridge is None:
        pytest.skip(why)
    import sensor_msgs.msg

    known = ENCODINGS[encoding]
    rows = np.random.default_rng(3).integers(0, 256**known.itemsize, (8, 12, known.channels), f'u{known.itemsize}')
    message = sensor_msgs.msg.Image(**vars(image(encoding, rows, padding=12)))
    np.testing.assert_array_equal(in_order('bgr', decode_image(message)), bridge.imgmsg_to_cv2(message, 'bgr8'))
