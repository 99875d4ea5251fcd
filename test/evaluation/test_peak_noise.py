"""Noise that was simulated is found again."""

import dataclasses

import numpy as np
import pytest

pytest.importorskip('pycocotools', reason='evaluation needs pycocotools: pip install pycocotools')
from mpn_ros.coco import read_dataset
from mpn_ros.evaluation.grouping_input import simulated
from mpn_ros.evaluation.peak_noise import Sighting, measured_noise, sightings
from mpn_ros.pipeline.pipeline import PosePipeline
from mpn_ros.training.prn_labels import LabelledPeople
from mpn_ros.training.prn_noise import EXACT, DetectorNoise


def crowd(count=400):
    """People far from each other, with keypoints far from each other, of whom half are hidden."""
    random = np.random.default_rng(0)
    keypoints = np.empty((count, 17, 3), np.float32)
    grid = np.stack(np.meshgrid(np.arange(5), np.arange(4)), -1).reshape(-1, 2)[:17]
    keypoints[..., :2] = grid * (70, 90) + (50, 60)
    keypoints[..., 2] = random.integers(1, 3, (count, 17))
    return LabelledPeople(np.arange(count), np.tile(np.float32([0, 0, 400, 400]), (count, 1)), keypoints)


def seen(people, noise):
    return [Sighting(found.peaks, found.truth, found.truth, True) for found in simulated(people, noise)]


def test_noise_that_was_simulated_is_found_again():
    changes = {'position': 0.5, 'miss': 0.1, 'miss_hidden': 0.4, 'seen': 0.5, 'hidden': 0.3, 'scores': 0.1}
    noise = dataclasses.replace(EXACT, **changes)
    found = measured_noise(seen(crowd(), noise), 0.1, 0.1)
    for name in ('position', 'miss', 'miss_hidden', 'seen', 'hidden'):
        assert getattr(found, name) == pytest.approx(getattr(noise, name), rel=0.1), name
    assert found.scores == pytest.approx(0.1, abs=0.02) and found.mirror < 0.01 and found.clutter < 0.02
    assert found.lowest == 0.1


def test_left_right_swaps_and_false_positives_are_counted():
    few = measured_noise(seen(crowd(), dataclasses.replace(EXACT, scores=0.2, mirror=0.3, clutter=1)), 0.1, 0.1)
    assert 0.15 < few.mirror < 0.35, 'swaps below the bound are not seen'
    assert 0.3 < few.clutter < 1.2, 'false positives on keypoints are not told from them'


def test_peaks_below_the_bound_are_missed():
    noise = dataclasses.replace(EXACT, lowest=0.02, seen=0.05, hidden=0.03, scores=0.01)
    low, high = (measured_noise(seen(crowd(), noise), bound, 0.1) for bound in (0.02, 0.3))
    assert low.miss == low.miss_hidden == 0 and high == dataclasses.replace(DetectorNoise(), lowest=0.3)


def test_a_pipeline_is_seen_in_its_first_look_and_in_windows(small_dataset):
    dataset = read_dataset(small_dataset.images, small_dataset.annotations)
    pipeline = PosePipeline('lite', backend='eager', device='cpu', input_size=96, refine=4)
    found = list(sightings(pipeline, dataset))
    assert [len(sighting.people) for sighting in found][:1] == [2] and len(found) >= 4
    for image in (10, 20):
        windows = [s for s in found if s.everybody[0]['image_id'] == image][1:]
        people = [person['id'] for sighting in windows for person in sighting.people]
        assert sorted(people) == sorted(person['id'] for person in found[0 if image == 10 else -1].everybody)
