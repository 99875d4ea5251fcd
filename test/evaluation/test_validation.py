"""Validation during training, and the pictures beside it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

pytest.importorskip('pycocotools', reason='evaluation needs pycocotools: pip install pycocotools')
from mpn_ros.backends.base import BackendInfo
from mpn_ros.coco import read_dataset
from mpn_ros.errors import DatasetError
from mpn_ros.evaluation.validation import PEAK_BOUNDS, LabelledBoxes, SharedLooks, Validation
from mpn_ros.network.multiposenet import MultiPoseNet
from mpn_ros.network.prn import PoseResidualNetwork
from mpn_ros.pipeline.grouping import PRNGrouper
from mpn_ros.pipeline.pipeline import PosePipeline
from mpn_ros.presets import preset
from mpn_ros.raw_detections import RawDetections
from mpn_ros.skeleton import COCO, make_layout
from mpn_ros.weights import Weights


class BlindBackend:
    info = BackendInfo('blind', 'float32')

    def __call__(self, images):
        return RawDetections('peaks', 'boxes', 'person')


def test_labelled_boxes_lie_in_the_input_as_the_people_lie_in_the_image(small_dataset):
    """Images of 200x160 in inputs of 100: everything at half its size. A crowd is nobody's box."""
    small_dataset.content['annotations'][1]['iscrowd'] = 1
    small_dataset.save()
    dataset = read_dataset(small_dataset.images, small_dataset.annotations)
    backend = LabelledBoxes(BlindBackend(), dataset, 96)
    found = [backend(np.zeros((1, 96, 96, 3), np.uint8)) for _ in dataset.images]
    scale = 96 / 200, 77 / 160
    np.testing.assert_allclose(found[0].boxes, [[[*np.multiply((10, 20, 60, 100), scale * 2), 1]]], rtol=1e-4)
    assert [answer.boxes.shape for answer in found] == [(1, 1, 5), (1, 1, 5), (1, 0, 5)]
    assert found[0].peaks == 'peaks' and found[0].person == 'person'


@pytest.fixture(scope='module')
def network():
    torch.manual_seed(0)
    return MultiPoseNet(dataclasses.replace(preset('lite'), input_size=64)).eval()


@pytest.mark.parametrize(('stage', 'first'), [('keypoints', 'keypoint AP'), ('detector', 'box AP')])
def test_the_first_figure_is_the_stages(small_dataset, network, stage, first):
    validation = Validation(small_dataset.images, small_dataset.annotations, COCO, stage, 'cpu')
    figures = validation(network)
    assert next(iter(figures)) == first and set(figures) == {'keypoint AP', 'box AP', 'mask IoU'}
    assert (figures['box AP'] == 1) == (stage == 'keypoints'), 'the labels are the boxes of the first stage alone'


def test_a_prn_is_measured_at_several_bounds_and_in_windows_and_the_best_comes_first(small_dataset, network):
    prn = PoseResidualNetwork(network.preset.prn).eval()
    validation = Validation(
        small_dataset.images, small_dataset.annotations, COCO, 'keypoints', 'cpu', limit=2, prn=prn, refine=2
    )
    figures = validation(network)
    poses = {f'keypoint {name}{where} from {bound}' for name in ('AP', 'AR') for where in ('', ' in windows')
             for bound in PEAK_BOUNDS}  # fmt: skip
    assert set(figures) == {*poses, 'keypoint AP', 'keypoint AP in windows', 'box AP', 'mask IoU'}
    assert next(iter(figures)) == 'keypoint AP in windows'
    for where in ('', ' in windows'):
        several = [figures[f'keypoint AP{where} from {bound}'] for bound in PEAK_BOUNDS]
        assert figures[f'keypoint AP{where}'] == max(several)


class Counted:
    """Grey in, the same result out; counts how often it is asked."""

    info = BackendInfo('counted', 'float32')

    def __init__(self):
        self.shapes = []

    def __call__(self, pixels):
        self.shapes.append(pixels.shape)
        count, height, width, _ = pixels.shape
        peaks = np.zeros((count, 17, 30, 3), np.float32)
        peaks[:, :, 0] = width / 2, height / 2, 0.05
        boxes = np.tile(np.float32([[0.3 * width, 0.3 * height, 0.7 * width, 0.7 * height, 0.9]]), (count, 1, 1))
        return RawDetections(peaks, boxes, np.full((count, height // 4, width // 4), 0.9, np.float32))


def test_each_image_is_looked_at_once_whatever_groups_it(network):
    weights = Weights(network.preset, {'network': network.state_dict()}, {}, 'made up')
    pipeline = PosePipeline(weights, backend='eager', device='cpu', grouper='max', refine=2)
    pipeline.thresholds = dataclasses.replace(pipeline.thresholds, keypoint_threshold=0)
    pipeline.backend = Counted()
    looks = SharedLooks(pipeline, pipeline.backend, 2)
    image, prn = np.zeros((64, 64, 3), np.uint8), PoseResidualNetwork(network.preset.prn).eval()
    results = [
        looks.rewind(PRNGrouper(prn, bound, 1e-9), windows)(image) for bound in (0.1, 0.03) for windows in (1, 0)
    ]
    assert len(pipeline.backend.shapes) == 2, 'the image and one window'
    assert [result.people[0].visible.any() for result in results] == [False, False, True, True]
    assert [result.windows for result in results] == [1, 0, 1, 0]


def test_what_cannot_be_measured_is_said_and_a_wrong_dataset_at_once(small_dataset, network):
    with pytest.raises(DatasetError, match='labels.json labels'):
        small_dataset.content['categories'][0]['keypoints'] = list(COCO.names)
        small_dataset.save()
        Validation(small_dataset.images, small_dataset.annotations, make_layout(('a',), ()), 'joint', 'cpu')
    for annotation in small_dataset.content['annotations']:
        annotation['keypoints'] = [0] * 51
    small_dataset.save()
    with pytest.raises(DatasetError, match='nobody to measure the keypoint AP on'):
        Validation(small_dataset.images, small_dataset.annotations, COCO, 'keypoints', 'cpu', limit=1)(network)
