"""The curves are pycocotools' arrays, and the losses add up to what is missing."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip('pycocotools', reason='evaluation needs pycocotools: pip install pycocotools')
from mpn_ros.evaluation.average_precision import figures, matched
from mpn_ros.evaluation.precision_recall import NEAR, losses, precision_recall

SIZE = 100
"""Width and height of every box: large people."""


def box(image_id: int, x: float, score: float = 1) -> dict:
    return {'image_id': image_id, 'bbox': [x, 0, SIZE, SIZE], 'area': SIZE**2, 'iscrowd': 0, 'score': score}


def losses_of(truth: list[dict], results: list[dict]):
    images = sorted({label['image_id'] for label in truth})
    found = losses(matched(images, truth, results, 'bbox'), matched(images, truth, results, 'bbox', [NEAR]))
    assert set(found) == {'all', 'large'}
    assert sum(found['all']) == pytest.approx(1)
    return found['all']


def test_curves_have_the_average_precision_as_their_mean():
    truth = [box(image, 0) for image in range(1, 5)]
    evaluation = matched(range(1, 5), truth, [box(1, 10, 0.9), box(2, 60, 0.8), box(3, 0, 0.7)], 'bbox')
    curves = precision_recall(evaluation)
    named = figures(evaluation)
    assert curves['all'].precision.mean() == pytest.approx(named['AP'])
    assert curves['large'].precision.mean() == pytest.approx(named['AP_L'])
    assert curves['all'].precision[0].mean() == pytest.approx(named['AP50'])
    assert 'small' not in curves and 'medium' not in curves


# Of four people one is found at an IoU of 1 and one missed; what the other two are is the case. pycocotools' 101 steps
# of recall make 51 of them a half, 76 three quarters.
@pytest.mark.parametrize(
    ('results', 'expected'),
    [
        # Moved by 20: IoU 2/3, right at .50 to .65, wrong at the six thresholds above.
        ([box(3, 20, 0.8), box(4, 20, 0.7)], {'loose': 0.5 * 0.6}),
        # Moved by 60: IoU 1/4.
        ([box(3, 60, 0.8), box(4, 60, 0.7)], {'far': 0.5}),
        ([], {'missed': 0.75}),
    ],
)
def test_what_is_lost_has_its_name(results, expected):
    truth = [box(image, 0) for image in range(1, 5)]
    found = losses_of(truth, [box(1, 0, 0.9), *results])
    missed = 0.25 if results else 0.75
    assert found.missed == pytest.approx(missed)
    for name, value in expected.items():
        assert getattr(found, name) == pytest.approx(value, abs=0.02)
    assert found.false_alarms == pytest.approx(0, abs=0.02)


def test_a_false_alarm_that_is_ranked_first_costs_precision():
    found = losses_of([box(1, 0)], [box(1, 500, 0.9), box(1, 0, 0.8)])
    np.testing.assert_allclose(found, [0.5, 0, 0, 0.5, 0], atol=0.01)
