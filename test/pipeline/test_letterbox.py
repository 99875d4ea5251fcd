"""There and back: what the network sees at a place must come back to that place in the image."""

import numpy as np
import pytest

from mpn_ros.errors import ImageError
from mpn_ros.pipeline.letterbox import check_image, compute_letterbox, pad_to_common_size

SHAPES = [(480, 640), (1080, 1920), (1920, 1080), (17, 999), (384, 384), (31, 7)]


@pytest.mark.parametrize('shape', SHAPES)
def test_the_input_holds_the_image_in_multiples_of_32(shape):
    box = compute_letterbox((*shape, 3), 384)
    assert max(box.content_size) == 384
    assert all(side % 32 == 0 for side in box.input_size)
    assert all(0 <= i - c < 32 for i, c in zip(box.input_size, box.content_size))


@pytest.mark.parametrize('shape', SHAPES)
def test_corners_of_the_content_are_the_corners_of_the_image(shape):
    box = compute_letterbox((*shape, 3), 384)
    width, height = box.content_size
    np.testing.assert_allclose(
        box.boxes_to_image(np.array([0.0, 0.0, width, height])), [0, 0, shape[1], shape[0]], rtol=1e-6
    )
    # The middle of the image is the middle of the content, for points that count from pixel centres too.
    np.testing.assert_allclose(
        box.points_to_image(np.array([width / 2 - 0.5, height / 2 - 0.5])),
        [shape[1] / 2 - 0.5, shape[0] / 2 - 0.5],
        rtol=1e-5,
    )


@pytest.mark.parametrize('shape', [(480, 640), (200, 900), (90, 60)])
def test_a_bright_spot_is_found_where_it_was(shape):
    image = np.zeros((*shape, 3), np.uint8)
    y, x = shape[0] // 3, 2 * shape[1] // 3
    image[y - 4 : y + 5, x - 4 : x + 5] = 255
    box = compute_letterbox(image.shape, 384)
    rows, columns = np.nonzero(box.apply(image, 'rgb', 0)[..., 0] > 127)
    np.testing.assert_allclose(box.points_to_image(np.array([columns.mean(), rows.mean()])), [x, y], atol=1)


def test_channel_order_and_padding():
    image = np.zeros((50, 100, 3), np.uint8)
    image[..., 0] = 200
    box = compute_letterbox(image.shape, 64)
    assert box.apply(image, 'rgb', 114)[5, 5].tolist() == [200, 0, 0]
    assert box.apply(image, 'bgr', 114)[5, 5].tolist() == [0, 0, 200]
    narrow = compute_letterbox((20, 100, 3), 64)
    assert (narrow.apply(image[:20], 'rgb', 114)[narrow.content_size[1] :] == 114).all()


@pytest.mark.parametrize('shape', [(480, 640), (333, 500), (1920, 1080)])
def test_a_map_comes_back_at_the_size_and_place_of_the_image(shape):
    box = compute_letterbox((*shape, 3), 384)
    columns, rows = (side // 4 for side in box.input_size)
    ramp = np.tile(
        (np.arange(columns, dtype=np.float32) + 0.5) * 4, (rows, 1)
    )  # the input's x at the middle of each cell
    back = box.map_to_image(ramp)
    assert back.shape == shape
    x = np.arange(8, shape[1] - 8)
    np.testing.assert_allclose(back[shape[0] // 2, 8:-8], (x + 0.5) * box.scale[0], atol=2.1 * box.scale[0] + 0.2)


def test_a_batch_of_different_shapes_shares_one_input():
    wide, tall = pad_to_common_size([compute_letterbox((100, 200, 3), 384), compute_letterbox((200, 100, 3), 384)])
    assert wide.input_size == tall.input_size == (384, 384) and wide.content_size == (384, 192)
    assert wide.apply(np.zeros((100, 200, 3), np.uint8), 'rgb', 7).shape == (384, 384, 3)


@pytest.mark.parametrize(
    'image',
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((40000, 1, 3), np.uint8),
        None,
        'picture.png',
    ],
)
def test_what_is_no_image_is_refused_in_a_sentence(image):
    with pytest.raises(ImageError, match='image'):
        check_image(image)
