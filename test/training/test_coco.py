"""The images that training takes from a dataset, and their masks."""

import cv2
import numpy as np
import pytest

pytest.importorskip('pycocotools', reason='masks need pycocotools: pip install pycocotools')
from mpn_ros.coco import read_dataset
from mpn_ros.errors import DatasetError
from mpn_ros.training.coco import labelled_images


def read(dataset, masks=None):
    return labelled_images(read_dataset(dataset.images, dataset.annotations), masks)


def test_images_with_people_come_with_edges_joints_and_pixels(small_dataset):
    images = read(small_dataset)
    assert [(item.image.id, len(item.boxes)) for item in images] == [(10, 2), (20, 1)]
    x, y, width, height = small_dataset.content['annotations'][0]['bbox']
    assert images[0].boxes[0].tolist() == [x, y, x + width, y + height]
    assert images[0].keypoints.shape == (2, 17, 3)
    assert images[0].read().shape == (160, 200, 3)


def test_a_crowd_is_in_the_mask_but_no_person(small_dataset):
    before = read(small_dataset)[0].read_mask()
    small_dataset.content['annotations'][0]['iscrowd'] = 1
    small_dataset.save()
    images = read(small_dataset)
    assert len(images[0].boxes) == 1
    np.testing.assert_array_equal(images[0].read_mask(), before)
    assert set(np.unique(before)) == {0, 255}


def test_a_folder_of_masks_serves_in_place_of_polygons(small_dataset, tmp_path):
    masks = tmp_path / 'masks'
    masks.mkdir()
    images = read(small_dataset, masks)
    picture = np.zeros((160, 200), np.uint8)
    picture[:10] = 1
    cv2.imwrite(str(masks / f'{images[0].image.path.stem}.png'), picture)
    assert (images[0].read_mask() == 255).sum() == 2000
    with pytest.raises(DatasetError, match=f'{images[1].image.path.stem}.png is not a mask of the 200x160 pixels'):
        images[1].read_mask()
    with pytest.raises(DatasetError, match='nowhere is not a folder of masks'):
        read(small_dataset, tmp_path / 'nowhere')


def test_a_picture_that_is_damaged_is_named(small_dataset):
    item = read(small_dataset)[0]
    item.image.path.write_bytes(b'not a picture')
    with pytest.raises(DatasetError, match=str(item.image.path)):
        item.read()


def test_crowds_alone_are_nothing_to_learn_from(small_dataset):
    for annotation in small_dataset.content['annotations']:
        annotation['iscrowd'] = 1
    small_dataset.save()
    with pytest.raises(DatasetError, match='labels.json: no image has a person that is not a crowd'):
        read(small_dataset)


def test_a_grey_mask_says_how_sure_it_is_and_one_of_two_values_does_not(small_dataset, tmp_path):
    masks = tmp_path / 'masks'
    masks.mkdir()
    image, *_ = read(small_dataset, masks)
    path = masks / f'{image.image.path.stem}.png'
    grey = np.zeros((image.image.height, image.image.width), np.uint8)
    grey[10:20], grey[20:30] = 1, 130
    cv2.imwrite(str(path), grey)
    np.testing.assert_array_equal(image.read_mask(), grey)
    cv2.imwrite(str(path), np.minimum(grey, 1))
    np.testing.assert_array_equal(image.read_mask(), np.where(grey, 255, 0))
