"""Depth messages of either encoding and byte order, and everything that is not depth refused."""

from __future__ import annotations

from array import array
from types import SimpleNamespace

import numpy as np
import pytest

from mpn_ros.decoding.depth import decode_depth
from mpn_ros.errors import ImageError

METRES = np.array([[0.5, 3, np.nan], [np.inf, 0, 65.535]], np.float32)
MILLIMETRES = np.array([[500, 3000, 0], [0, 1, 65535]], np.uint16)


def message(encoding: str, values: np.ndarray, padding: int = 0, big: bool = False) -> SimpleNamespace:
    rows = values.astype(values.dtype.newbyteorder('>' if big else '<')).view(np.uint8)
    rows = np.hstack([rows, np.full((len(rows), padding), 0xA5, np.uint8)])
    return SimpleNamespace(
        encoding=encoding,
        width=values.shape[1],
        height=len(rows),
        step=rows.shape[1],
        is_bigendian=int(big),
        data=array('B', rows.tobytes()),
    )


@pytest.mark.parametrize('big', [False, True])
@pytest.mark.parametrize('padding', [0, 3, 4])
@pytest.mark.parametrize('encoding, values', [('32FC1', METRES), ('16UC1', MILLIMETRES), ('mono16', MILLIMETRES)])
def test_depth_comes_as_it_was_sent(encoding, values, padding, big):
    depth = decode_depth(message(encoding, values, padding, big))
    np.testing.assert_array_equal(depth, values)
    assert depth.dtype == values.dtype and depth.dtype.isnative


def test_depth_in_the_own_byte_order_is_not_copied():
    sent = message('16UC1', MILLIMETRES, padding=2)
    assert np.shares_memory(decode_depth(sent), np.frombuffer(sent.data, np.uint8))


@pytest.mark.parametrize(
    'change, says',
    [
        ({'encoding': 'rgb8'}, "'rgb8' is not depth"),
        ({'encoding': '16UC1; compressedDepth png'}, 'not depth'),
        ({'step': 5}, 'step of 5'),
        ({'width': 0}, 'no pixels'),
        ({'height': 3}, '12 bytes instead of 18'),
        ({'width': 1 << 20}, 'larger than'),
    ],
)
def test_what_is_no_depth_image_is_refused(change, says):
    broken = message('16UC1', MILLIMETRES)
    vars(broken).update(change)
    with pytest.raises(ImageError, match=says):
        decode_depth(broken)
