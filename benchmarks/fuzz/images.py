"""Raw images: right ones made up by hypothesis, and the same with something changed."""

from __future__ import annotations

from array import array
from random import Random
from types import SimpleNamespace

import numpy as np
from hypothesis import strategies as st

from benchmarks.fuzz.reference import ENCODINGS, geometry, picture
from mpn_ros.decoding.raw import decode_image
from mpn_ros.errors import ImageError

_TOLERANCE = 2.0
"""Levels of 255 that a conversion of colour may be off: OpenCV computes in fixed point."""
_FOREIGN = ('', 'rgb', 'RGB8', '16UC1', '32FC1', '64FC4', 'yuv444', 'bayer_rggb32', 'rgb8\0', 'h264')
_EXTREMES = (127, 128, 255, 256, 16384, 16385, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1)


@st.composite
def images(draw: st.DrawFn) -> SimpleNamespace:
    """A right image of at most 12x12 pixels, its rows padded or not, in either byte order."""
    encoding = draw(st.sampled_from(ENCODINGS))
    width, height = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    shape = geometry(encoding, width, height)
    if shape is None:
        width, height = 2 * width + 2, 2 * height + 2
        shape = geometry(encoding, width, height)
    assert shape is not None
    step = shape[0] + draw(st.integers(0, 9))
    content = np.random.default_rng(draw(st.integers(0, 2**32))).bytes(step * shape[1])
    return SimpleNamespace(
        encoding=encoding,
        width=width,
        height=height,
        step=step,
        is_bigendian=int(draw(st.booleans())),
        data=array('B', content),
    )


def changed(message: SimpleNamespace, random: Random) -> SimpleNamespace:
    """The image with one to three things other than they were; now and then it is still right."""
    message = SimpleNamespace(**vars(message))
    fields = 'width', 'height', 'step', 'is_bigendian', 'encoding', 'data'
    for field in random.choices(fields, k=random.randint(1, 3)):
        if field == 'encoding':
            message.encoding = random.choice(ENCODINGS + _FOREIGN)
        elif field == 'is_bigendian':
            message.is_bigendian = random.randint(0, 255)
        elif field == 'data':
            length = max(0, len(message.data) + random.randint(-20, 20))
            message.data = array('B', message.data[:length].tobytes().ljust(length, b'\xa5'))
        else:
            setattr(message, field, random.choice((random.randint(0, 40), random.choice(_EXTREMES))))
    return message


def check_image(message: SimpleNamespace) -> None:
    """The decoder shows what the reference shows, and refuses in one sentence what the reference refuses."""
    before, wanted = message.data.tobytes(), picture(message)
    try:
        shown = decode_image(message)
    except ImageError as error:
        assert wanted is None, f'a right image is refused: {error}'
        assert '\n' not in str(error)
        return
    assert wanted is not None, 'what is no image is shown'
    assert shown.array.dtype == np.uint8 and shown.array.shape == wanted.shape
    rgb = shown.array if shown.channel_order == 'rgb' else shown.array[..., ::-1]
    defined = np.isfinite(wanted)
    assert (np.abs(rgb - wanted, where=defined, out=np.zeros_like(wanted)) <= _TOLERANCE).all()
    assert message.data.tobytes() == before
