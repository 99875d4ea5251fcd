"""Everything moves together: a keypoint stays on the pixel that it was on."""

import dataclasses

import numpy as np
import pytest

from mpn_ros.errors import ParameterError
from mpn_ros.pipeline.letterbox import compute_letterbox
from mpn_ros.skeleton import COCO
from mpn_ros.training.augment import Augmentation, Sample, close_up, color_jitter, patch_matrix, warp, warp_image

PLAIN = {'fill': (0, 0, 0), 'layout': COCO}
LEFT, RIGHT = COCO.names.index('left_wrist'), COCO.names.index('right_wrist')


def scene():
    """Black, with a red spot on the left wrist and a green one on the right, and a white mask in the box."""
    image, mask = np.zeros((240, 320, 3), np.uint8), np.zeros((240, 320), np.uint8)
    image[118:123, 98:103, 0] = 255
    image[98:103, 198:203, 1] = 255
    mask[60:180, 80:240] = 255
    keypoints = np.zeros((1, 17, 3), np.float32)
    keypoints[0, LEFT], keypoints[0, RIGHT] = (100, 120, 2), (200, 100, 2)
    return image, mask, np.array([[80, 60, 240, 180]], np.float32), keypoints


def spot(image, channel):
    rows, columns = np.nonzero(image[..., channel] > 120)
    return np.array([columns.mean(), rows.mean()])


@pytest.mark.parametrize('seed', range(12))
def test_keypoints_move_with_their_pixels_and_sides_swap_with_the_mirror(seed):
    image, mask, boxes, keypoints = scene()
    matrix = patch_matrix(image.shape[:2], boxes, 256, Augmentation(flip=0.5), np.random.default_rng(seed))
    sample = warp(image, mask, boxes, keypoints, matrix, 256, **PLAIN)
    mirrored = np.linalg.det(matrix[:, :2]) < 0
    red, green = (RIGHT, LEFT) if mirrored else (LEFT, RIGHT)
    assert sample.keypoints[0, [red, green], 2].tolist() == [2, 2]
    np.testing.assert_allclose(sample.keypoints[0, red, :2], spot(sample.image, 0), atol=0.5)
    np.testing.assert_allclose(sample.keypoints[0, green, :2], spot(sample.image, 1), atol=0.5)


def test_both_mirrored_and_straight_patches_occur():
    image, _, boxes, _ = scene()
    signs = {
        np.sign(
            np.linalg.det(
                patch_matrix(image.shape[:2], boxes, 64, Augmentation(flip=0.5), np.random.default_rng(s))[:, :2]
            )
        )
        for s in range(20)
    }
    assert signs == {-1.0, 1.0}


def test_an_upright_box_is_moved_exactly_and_a_turned_one_keeps_its_middle():
    image, mask, boxes, keypoints = scene()
    straight = warp(image, mask, boxes, keypoints, np.array([[2.0, 0, 10], [0, 2, 20]]), 512, **PLAIN)
    np.testing.assert_allclose(straight.boxes, [[170, 140, 490, 380]])
    turned = warp(image, mask, boxes, keypoints, np.array([[0.0, -1, 200], [1, 0, 0]]), 512, **PLAIN)
    np.testing.assert_allclose(turned.boxes, [[20, 80, 140, 240]])


def test_the_mask_moves_with_the_box():
    image, mask, boxes, keypoints = scene()
    sample = warp(image, mask, boxes, keypoints, np.array([[0.5, 0, 0], [0, 0.5, 0]]), 128, **PLAIN)
    rows, columns = np.nonzero(sample.mask)
    assert (columns.min(), columns.max() + 1) == (40, 120) and (rows.min(), rows.max() + 1) == (30, 90)


def test_an_image_is_shrunk_as_the_pipeline_shrinks():
    """Stripes of one pixel become an even grey; without a filter they would not."""
    image = np.zeros((256, 256, 3), np.uint8)
    image[:, ::2] = 255
    shrunk = warp_image(image, np.array([[0.25, 0, 0], [0, 0.25, 0]]), 64, (0, 0, 0))
    fitted = compute_letterbox(image.shape, 64).apply(image, 'rgb', 0)
    np.testing.assert_array_equal(shrunk, fitted)
    assert shrunk.std() < 1
    turned = warp_image(image, np.array([[0.18, -0.18, 30], [0.18, 0.18, 10]]), 64, (128, 128, 128))
    assert turned[20:50, 20:50].std() < 3


def test_a_keypoint_that_leaves_the_patch_is_no_longer_labelled():
    image, mask, boxes, keypoints = scene()
    sample = warp(image, mask, boxes, keypoints, np.array([[1.0, 0, -150], [0, 1, 0]]), 256, **PLAIN)
    assert sample.keypoints[0, LEFT, 2] == 0 and sample.keypoints[0, RIGHT, 2] == 2


def test_colour_changes_within_its_strength_and_stays_a_picture():
    image = np.full((8, 8, 3), 100, np.uint8)
    changed = [color_jitter(image, 0.2, np.random.default_rng(s)) for s in range(10)]
    assert all(c.dtype == np.uint8 and 78 <= c.min() <= c.max() <= 122 for c in changed)
    assert len({c[0, 0, 0] for c in changed}) > 3


@pytest.mark.parametrize(
    'wrong', [{'scale': (0, 1)}, {'scale': (1.2, 0.8)}, {'rotation': -1}, {'flip': 2}, {'colour': -0.1}]
)
def test_wrong_settings_end_in_a_sentence(wrong):
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        Augmentation(**wrong)


def people_side_by_side():
    """Two people of 100x200 pixels, 17 keypoints each on a diagonal of their box, and a third without any."""
    boxes = np.array([[20, 20, 120, 220], [180, 20, 280, 220], [0, 225, 40, 239]], np.float32)
    steps = np.linspace(0.05, 0.95, 17)[:, None]
    keypoints = np.zeros((3, 17, 3), np.float32)
    for box, pose in zip(boxes[:2], keypoints):
        pose[:, :2], pose[:, 2] = box[:2] + steps * (box[2:] - box[:2]), 2
    image = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)
    return Sample(image, image[..., 0], boxes, keypoints, image[..., 1], True)


def test_a_close_up_is_a_part_of_the_image_with_what_is_left_of_its_people():
    whole, counts = people_side_by_side(), []
    for seed in range(40):
        near = close_up(whole, np.random.default_rng(seed))
        height, width = near.image.shape[:2]
        assert 64 <= min(height, width) and max(height, width) <= 0.8 * 200 + 1 and near.complete
        y, x = next(iter(np.argwhere((whole.image == near.image[0, 0]).all(-1))))
        there = slice(y, y + height), slice(x, x + width)
        for part, from_ in ((near.image, whole.image), (near.mask, whole.mask), (near.crowd, whole.crowd)):
            np.testing.assert_array_equal(part, from_[there])
        assert (near.boxes >= 0).all() and (near.boxes <= (width, height, width, height)).all()
        seen = near.keypoints[..., 2] > 0
        assert 0 < seen.sum() < 17 * 2 and not near.keypoints[~seen].any()
        back = near.keypoints[seen][:, :2] + (x, y)
        assert all((np.abs(whole.keypoints[..., :2] - point).max(-1) < 1e-3).any() for point in back)
        counts.append(seen.sum())
    assert len(set(counts)) > 5


def test_without_a_keypoint_or_pixels_there_is_no_close_up():
    whole = people_side_by_side()
    nobody = dataclasses.replace(whole, keypoints=np.zeros_like(whole.keypoints))
    assert close_up(nobody, np.random.default_rng(0)) is nobody
    tiny = dataclasses.replace(whole, boxes=whole.boxes / 5, keypoints=whole.keypoints / 5)
    assert close_up(tiny, np.random.default_rng(0)) is tiny
