"""Rows, table and picture of a benchmark."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from mpn_ros.benchmark.report import rows, table
from mpn_ros.benchmark.stages import Case, SubstituteOutputs, run

FACTS = {'device': 'a machine', 'dtype': 'float32'}


class Pipeline:
    """Keeps what it is asked."""

    thresholds, refine = None, 2
    weights = SimpleNamespace(name='lite', preset=SimpleNamespace(name='lite'))

    def __init__(self):
        self.asked = []

    def letterbox(self, images, orders):
        self.asked.append(('letterbox', len(images)))
        return ['box'] * len(images), np.zeros((len(images), 64, 96, 3), np.uint8)

    def backend(self, pixels):
        return SimpleNamespace(peaks=np.zeros((len(pixels), 17, 30, 3)))

    def first_looks(self, letterboxes, seen, thresholds):
        return [SimpleNamespace(peaks=peaks, boxes=np.zeros((3, 5))) for peaks in seen.peaks]

    def second_looks(self, first, refine, see):
        self.asked.append(('windows', refine))
        return SimpleNamespace(looks=[])

    def group(self, first, second):
        return self.grouper([look.peaks for look in first], [look.boxes for look in first])

    def grouper(self, peaks, boxes):
        self.asked.append(('people', sum(map(len, boxes))))

    def postprocess(self, first, second, keypoints, thresholds):
        return ['result'] * len(first)

    def batch(self, images, orders):
        self.asked.append(('batch', len(images)))


def measured(people, seconds, cameras=1, backend='eager'):
    return Case(
        Pipeline(),
        backend,
        people,
        float(people),
        cameras,
        [np.zeros((48, 64, 3), np.uint8)] * 3,
        {'network': [seconds / 2] * 9, 'total': [seconds] * 9, 'total one by one': [2 * seconds] * 9},
    )


def test_every_stage_is_measured_as_often_as_asked_and_the_first_time_is_thrown_away():
    case, told = measured(3, 0.1, cameras=2), []
    case.seconds = {}
    run([case], 4, told.append)
    assert {len(seconds) for seconds in case.seconds.values()} == {4} and len(told) == 2 * 5
    assert {'decode', 'preprocess', 'network', 'boxes', 'second look', 'grouping', 'messages', 'total'} < set(
        case.seconds
    )
    assert ('windows', 2) in case.pipeline.asked
    assert ('batch', 2) in case.pipeline.asked and ('people', 6) in case.pipeline.asked
    assert case.pipeline.asked.count(('people', 1)) == 6 * 5, 'one by one'


def test_a_row_has_what_somebody_needs_to_compare():
    row, *_ = [row for row in rows(measured(3, 0.02, cameras=2), FACTS) if row['stage'] == 'total']
    assert row == FACTS | {
        'backend': 'eager',
        'preset': 'lite',
        'shape': '64x96',
        'batch': 2,
        'people': 3,
        'people_found': 3.0,
        'cameras': 2,
        'stage': 'total',
        'p50_ms': 20.0,
        'p99_ms': 20.0,
        'fps': 100.0,
    }


def test_the_table_has_the_ratio_to_the_first_case():
    found = [row for case in (measured(1, 0.02), measured(20, 0.03)) for row in rows(case, FACTS)]
    *_, first, second = table(found).splitlines()
    assert first.startswith('| eager | float32 | 1 | 1 |') and first.endswith('| 50.0 | 1.00 |')
    assert second.startswith('| eager | float32 | 1 | 20 |') and second.endswith('| 33.3 | 1.50 |')


def test_the_picture_has_our_lines_and_the_papers():
    pytest.importorskip('matplotlib', reason='matplotlib is an extra and is not installed')
    from mpn_ros.benchmark.report import draw

    found = [row for case in (measured(20, 0.03), measured(1, 0.02)) for row in rows(case, FACTS)]
    found.append(found[0] | {'people': 0, 'stage': 'floor'})
    lines = {line.get_label(): line.get_xydata().tolist() for line in draw(found).axes[0].lines}
    assert lines['lite, eager: total'] == [[1, 20], [20, 30]]
    assert lines['lite, eager: total one by one'] == [[1, 40], [20, 60]]
    assert lines['paper: ResNet-50, GTX 1080 Ti'] == [[1, 37], [20, 75]]


def test_a_network_without_weights_borrows_what_is_seen():
    asked = []
    backend = SubstituteOutputs(lambda images: asked.append(len(images)), lambda images: f'{len(images)} images')
    pixels = np.zeros((2, 32, 32, 3), np.uint8)
    assert [backend(pixels), backend(pixels), backend(pixels[:1])] == ['2 images', '2 images', '1 images']
    assert asked == [2, 2, 1]
