"""A perfect pipeline gets perfect figures, and a worse one gets worse."""

from __future__ import annotations

import time

import numpy as np
import pytest

pytest.importorskip('pycocotools', reason='evaluation needs pycocotools: pip install pycocotools')
from mpn_ros.errors import DatasetError
from mpn_ros.evaluation.coco_eval import collect
from mpn_ros.media import write_image
from mpn_ros.result import PoseResult


def measure(dataset, pipeline=None, **options):
    return collect(pipeline or dataset.oracle, dataset.images, dataset.annotations, **options).figures()


def test_the_truth_is_perfect(small_dataset):
    figures = measure(small_dataset)
    assert figures['keypoints']['AP'] == figures['bbox']['AP'] == pytest.approx(1)
    assert figures['mask_iou'] == figures['mask_iou_mean'] == 1
    assert figures['images'] == 3
    assert figures['versions']['numpy'] == np.__version__


def test_limit_keeps_truth_and_answers_of_the_same_images(small_dataset):
    figures = measure(small_dataset, limit=1)
    assert figures['images'] == 1
    assert figures['keypoints']['AP'] == pytest.approx(1)
    assert figures['keypoints']['AP_L'] is None


def test_an_empty_answer_is_zero(small_dataset):
    figures = measure(small_dataset, lambda image, channel_order: PoseResult((), np.zeros(image.shape[:2], np.uint8)))
    assert figures['keypoints']['AR'] == figures['bbox']['AR100'] == figures['mask_iou'] == 0


def test_a_system_without_a_mask_has_no_iou(small_dataset):
    def pipeline(image, channel_order):
        return PoseResult(small_dataset.oracle(image).people, None, image.shape[1::-1])

    figures = measure(small_dataset, pipeline)
    assert figures['mask_iou'] is figures['mask_iou_mean'] is None and figures['keypoints']['AP'] == pytest.approx(1)


def test_images_of_one_shape_come_together_and_change_no_figure(small_dataset):
    shapes = []

    def pipeline(image, channel_order='rgb'):
        shapes.append(image.shape)
        return PoseResult(small_dataset.oracle(image).people, None, image.shape[1::-1])

    for row, (width, height) in zip(small_dataset.content['images'], [(200, 160), (180, 160), (200, 160)]):
        row |= {'width': width, 'height': height}
        grey = np.full((height, width, 3), row['id'], np.uint8)
        write_image(small_dataset.images / row['file_name'], grey)
    small_dataset.save()
    whole = measure(small_dataset, pipeline)
    in_order, shapes[:] = list(shapes), []
    assert measure(small_dataset, pipeline, by_shape=True)['keypoints'] == whole['keypoints']
    assert in_order == [(160, 200, 3), (160, 180, 3), (160, 200, 3)]
    assert shapes == [(160, 180, 3), (160, 200, 3), (160, 200, 3)]


def test_pictures_are_given_as_bgr(small_dataset):
    orders = []

    def pipeline(image, channel_order='rgb'):
        orders.append(channel_order)
        return small_dataset.oracle(image)

    measure(small_dataset, pipeline)
    assert set(orders) == {'bgr'}


def test_time_is_the_median_call(small_dataset):
    def pipeline(image, channel_order='rgb'):
        time.sleep(0.4 if image[0, 0, 0] == 10 else 0.01)
        return small_dataset.oracle(image)

    assert 10 <= measure(small_dataset, pipeline)['ms_per_image'] < 100


@pytest.mark.parametrize(
    'change', [lambda annotation: annotation.pop('segmentation'), lambda annotation: annotation.update(segmentation=[])]
)
def test_labels_without_polygons_give_no_mask_figure(small_dataset, change):
    change(small_dataset.content['annotations'][0])
    small_dataset.save()
    figures = measure(small_dataset)
    assert figures['mask_iou'] is None
    assert figures['keypoints']['AP'] == pytest.approx(1)


def test_a_malformed_polygon_is_named_with_its_file(small_dataset):
    small_dataset.content['annotations'][2]['segmentation'] = [[1]]
    small_dataset.save()
    with pytest.raises(DatasetError, match=r'labels\.json: annotation id 2'):
        measure(small_dataset)
