"""What is stated beside what came true."""

import numpy as np
import pytest

from mpn_ros.evaluation.reliability import reliability


def test_each_range_has_its_mean_and_its_share():
    rows = reliability(np.array([.02, .04, .55, .5, 1.]), np.array([0, 0, 1, 0, 1], bool))
    assert rows == [{'count': 2, 'stated': pytest.approx(.03), 'right': 0},
                    {'count': 2, 'stated': pytest.approx(.525), 'right': .5},
                    {'count': 1, 'stated': 1, 'right': 1}]
