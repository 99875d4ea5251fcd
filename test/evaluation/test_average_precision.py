"""The figures are pycocotools' own, and survive what pycocotools stumbles over."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip('pycocotools', reason='evaluation needs pycocotools: pip install pycocotools')
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mpn_ros.evaluation.average_precision import FIGURES, average_precision
from mpn_ros.evaluation.results import box_results, keypoint_results
from mpn_ros.result import Person, PoseResult

IMAGES = (10, 20, 30)


def results(dataset, make, change=lambda person: person):
    """``make`` of every result, with ``change`` made to every person."""
    found = []
    for image_id, result in dataset.results.items():
        found += make(PoseResult(tuple(change(person) for person in result.people), result.mask), image_id)
    return found


def moved(pixels: float):
    step = np.array([pixels, pixels, 0], np.float32)
    return lambda person: Person(person.box + pixels, person.score, person.keypoints + step)


def test_the_truth_scores_one(small_dataset):
    truth = small_dataset.content['annotations']
    poses = average_precision(IMAGES, truth, results(small_dataset, keypoint_results), 'keypoints')
    assert poses == dict.fromkeys(FIGURES['keypoints'], pytest.approx(1.0))
    boxes = average_precision(IMAGES, truth, results(small_dataset, box_results), 'bbox')
    # At most one box an image finds one of the two people of the first; nobody is small.
    assert boxes == {
        **dict.fromkeys(FIGURES['bbox'], pytest.approx(1.0)),
        'AR1': pytest.approx(2 / 3),
        'AP_S': None,
        'AR_S': None,
    }


@pytest.mark.parametrize('kind', ['keypoints', 'bbox'])
def test_a_displaced_answer_loses_the_strict_thresholds_first(small_dataset, kind):
    make = keypoint_results if kind == 'keypoints' else box_results
    truth = small_dataset.content['annotations']
    figures = average_precision(IMAGES, truth, results(small_dataset, make, moved(6.0)), kind)
    assert 0 < figures['AP'] < figures['AP50']
    nowhere = average_precision(IMAGES, truth, results(small_dataset, make, moved(500.0)), kind)
    assert nowhere['AP'] == 0


@pytest.mark.parametrize('kind', ['keypoints', 'bbox'])
def test_agrees_with_pycocotools_own_way_in(small_dataset, kind, tmp_path):
    random = np.random.default_rng(1)

    def noisy(person: Person) -> Person:
        keypoints = person.keypoints + np.column_stack([random.normal(0, 3, (17, 2)), np.zeros(17)])
        return Person(person.box + random.normal(0, 4, 4), float(random.uniform()), keypoints)

    found = results(small_dataset, keypoint_results if kind == 'keypoints' else box_results, noisy)
    found.append({**found[0], 'image_id': 30, 'score': 0.95})
    for number, annotation in enumerate(small_dataset.content['annotations'], start=1):
        annotation['id'] = number
    small_dataset.save()
    (tmp_path / 'results.json').write_text(json.dumps([{**result, 'category_id': 1} for result in found]))
    coco = COCO(str(small_dataset.annotations))
    evaluation = COCOeval(coco, coco.loadRes(str(tmp_path / 'results.json')), kind)
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    figures = average_precision(IMAGES, small_dataset.content['annotations'], found, kind)
    assert [-1 if value is None else value for value in figures.values()] == pytest.approx(list(evaluation.stats))
    assert 0 < figures['AP'] < 1


def test_nobody_found_is_zero_not_an_error(small_dataset, capsys):
    figures = average_precision(IMAGES, small_dataset.content['annotations'], [], 'keypoints')
    assert figures['AP'] == figures['AR'] == 0
    assert capsys.readouterr().out == ''
