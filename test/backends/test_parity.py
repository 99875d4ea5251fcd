"""A graph that answers like another network is told from one that rounds differently."""

from __future__ import annotations

import numpy as np
import pytest

from mpn_ros.backends.parity import TOLERANCE, output_mismatch, probe_images
from mpn_ros.raw_detections import RawDetections


def answer(person=0.5):
    return RawDetections(
        np.full((1, 2, 3, 3), 0.4, np.float32),
        np.full((1, 5, 5), 0.3, np.float32),
        np.full((1, 4, 6), person, np.float32),
    )


def test_rounding_is_no_disagreement():
    assert output_mismatch(answer(0.5 + TOLERANCE / 2), answer()) is None


@pytest.mark.parametrize('part', range(3))
@pytest.mark.parametrize(('value', 'said'), [(np.nan, 'NaN'), (np.inf, 'infinity'), (1.0, 'off by 0.')])
def test_a_wrong_answer_is_named(part, value, said):
    wrong = answer()
    wrong[part][..., -1] = value
    assert said in output_mismatch(wrong, answer())


def test_examples_are_the_same_each_time_and_differ_within_a_batch():
    first = probe_images((2, 64, 96, 3))
    assert first.shape == (2, 64, 96, 3) and first.dtype == np.uint8 and np.ptp(first) > 200
    np.testing.assert_array_equal(first, probe_images((2, 64, 96, 3)))
    assert (first[0] != first[1]).any()
