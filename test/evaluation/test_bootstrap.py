"""AP of any choice of images is COCO's, and an interval holds what it should."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

pytest.importorskip('pycocotools', reason='pycocotools is not installed here')

from mpn_ros.evaluation.average_precision import figures  # noqa: E402
from mpn_ros.evaluation.bootstrap import ImageMatches, difference_interval  # noqa: E402
from mpn_ros.evaluation.by_size import mean_by_size, oks_by_size  # noqa: E402
from mpn_ros.evaluation.coco_eval import collect  # noqa: E402


def unsure(dataset, offset):
    """A pipeline whose poses are off by as much as the image's grey, and by ``offset`` pixels."""

    def run(image, channel_order='rgb'):
        result = dataset.oracle(image)
        people = []
        for number, person in enumerate(result.people):
            keypoints = person.keypoints.copy()
            keypoints[:, 0] += offset * (1 + number)
            people.append(dataclasses.replace(person, keypoints=keypoints, score=0.9 - 0.3 * number))
        return dataclasses.replace(result, people=tuple(people))

    return run


@pytest.fixture
def answers(small_dataset):
    return lambda offset: collect(unsure(small_dataset, offset), small_dataset.images, small_dataset.annotations)


@pytest.mark.parametrize('offset', [0, 3, 5, 9, 40])
@pytest.mark.parametrize(('size', 'name'), [('all', 'AP'), ('medium', 'AP_M'), ('large', 'AP_L')])
def test_of_all_images_it_is_pycocotools_own(answers, offset, size, name):
    evaluation = answers(offset).keypoints
    assert ImageMatches(evaluation, size).average_precision() == pytest.approx(figures(evaluation)[name], abs=1e-9)


def test_an_image_counts_as_often_as_it_is_named(answers):
    matches = ImageMatches(answers(9).keypoints)
    assert len(matches) == 3
    assert matches.average_precision([0, 0]) == pytest.approx(matches.average_precision([0]), abs=0.02)
    assert np.isnan(matches.average_precision([2])), 'nobody is in the third'


def test_the_interval_of_a_difference_holds_it(answers):
    better, worse = ImageMatches(answers(0).keypoints), ImageMatches(answers(9).keypoints)
    gain, low, high = difference_interval(better, worse, draws=200)
    assert low <= gain <= high and gain > 0.1
    assert difference_interval(worse, worse, draws=50) == (0, 0, 0)


def test_people_are_counted_by_their_size_in_the_input(answers):
    found = answers(0)
    seen = oks_by_size(found, 100)  # half of the images' long side of 200
    assert len(seen) == 3 and [round(oks, 3) for _, oks in seen] == [1, 1, 1]
    sizes = [size for size, _ in seen]
    areas = [label['area'] for image in found.dataset.images for label in found.dataset.annotations_of(image)]
    assert sizes == pytest.approx([np.sqrt(area) / 2 for area in areas])
    rows = mean_by_size([(20.0, 0.5), (24.0, 0.7), (70.0, 0.2), (4000.0, 0.9)])
    assert [(row['from'], row['people'], row['oks']) for row in rows] == [(20, 2, 0.6), (60, 1, 0.2)]
