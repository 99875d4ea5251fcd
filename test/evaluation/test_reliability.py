"""What is stated beside what came true."""

import numpy as np
import pytest

from mpn_ros.evaluation.reliability import reliability


def test_each_range_has_its_mean_and_its_share():
    rows = reliability(np.array([0.02, 0.04, 0.55, 0.5, 1.0]), np.array([0, 0, 1, 0, 1], bool))
    assert rows == [
        {'count': 2, 'stated': pytest.approx(0.03), 'right': 0},
        {'count': 2, 'stated': pytest.approx(0.525), 'right': 0.5},
        {'count': 1, 'stated': 1, 'right': 1},
    ]
