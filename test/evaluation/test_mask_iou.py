"""The mask is measured against every labelled pixel, crowds included."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip('pycocotools', reason="evaluation needs pycocotools: pip install 'mpn_ros[train]'")
from mpn_ros.errors import DatasetError
from mpn_ros.evaluation.mask_iou import MaskIoU, truth_mask


def test_polygons_and_crowds_are_united():
    crowd = {'size': [6, 8], 'counts': [6 * 6, 12]}  # the two last columns
    square = [[0, 0, 3, 0, 3, 3, 0, 3]]
    truth = truth_mask([{'id': 1, 'segmentation': square}, {'id': 2, 'segmentation': crowd}], 6, 8)
    expected = np.zeros((6, 8), bool)
    expected[:3, :3] = expected[:, 6:] = True
    np.testing.assert_array_equal(truth, expected)


def test_no_people_no_truth():
    assert not truth_mask([], 4, 5).any()


@pytest.mark.parametrize('segmentation', [
    'polygon', [[1, 2]], {'counts': [1, 2]}, {'size': [4, 4], 'counts': [1, 2]}, {'size': [9, 9], 'counts': [0, 81]},
    {'size': [9, 9], 'counts': '0a2'}, None])
def test_a_malformed_segmentation_is_named(segmentation):
    with pytest.raises(DatasetError, match='annotation id 42'):
        truth_mask([{'id': 42, 'segmentation': segmentation}], 4, 4)


def test_pooled_counts_pixels_and_mean_counts_images():
    measure = MaskIoU()
    everything = np.ones((10, 10), bool)
    half = everything.copy()
    half[5:] = False
    measure.add(half.astype(np.uint8) * 255, everything)
    measure.add(np.ones((1, 1), np.uint8), np.ones((1, 1), bool))
    measure.add(np.zeros((9, 9), np.uint8), np.zeros((9, 9), bool))
    assert measure.pooled == pytest.approx(51 / 101)
    assert measure.mean == pytest.approx(.75)


def test_without_people_there_is_no_figure():
    assert MaskIoU().pooled is None
    assert MaskIoU().mean is None
