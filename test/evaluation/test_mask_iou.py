"""The mask is measured against every labelled pixel, crowds included."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip('pycocotools', reason='evaluation needs pycocotools: pip install pycocotools')
from mpn_ros.evaluation.mask_iou import MaskIoU


def test_pooled_counts_pixels_and_mean_counts_images():
    measure = MaskIoU()
    everything = np.ones((10, 10), bool)
    half = everything.copy()
    half[5:] = False
    measure.add(half.astype(np.uint8) * 255, everything)
    measure.add(np.ones((1, 1), np.uint8), np.ones((1, 1), bool))
    measure.add(np.zeros((9, 9), np.uint8), np.zeros((9, 9), bool))
    assert measure.pooled == pytest.approx(51 / 101)
    assert measure.mean == pytest.approx(0.75)


def test_without_people_there_is_no_figure():
    assert MaskIoU().pooled is None
    assert MaskIoU().mean is None
