"""People in pixels: polygons and run lengths, well-formed or named."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip('pycocotools', reason='evaluation needs pycocotools: pip install pycocotools')
from mpn_ros.coco_masks import person_mask
from mpn_ros.errors import DatasetError


def test_polygons_and_crowds_are_united():
    crowd = {'size': [6, 8], 'counts': [6 * 6, 12]}  # the two last columns
    square = [[0, 0, 3, 0, 3, 3, 0, 3]]
    truth = person_mask([{'id': 1, 'segmentation': square}, {'id': 2, 'segmentation': crowd}], 6, 8)
    expected = np.zeros((6, 8), bool)
    expected[:3, :3] = expected[:, 6:] = True
    np.testing.assert_array_equal(truth, expected)


def test_no_people_no_truth():
    assert not person_mask([], 4, 5).any()


@pytest.mark.parametrize(
    'segmentation',
    [
        'polygon',
        [[1, 2]],
        {'counts': [1, 2]},
        {'size': [4, 4], 'counts': [1, 2]},
        {'size': [9, 9], 'counts': [0, 81]},
        {'size': [9, 9], 'counts': '0a2'},
        None,
    ],
)
def test_a_malformed_segmentation_is_named(segmentation):
    with pytest.raises(DatasetError, match='annotation id 42'):
        person_mask([{'id': 42, 'segmentation': segmentation}], 4, 4)
