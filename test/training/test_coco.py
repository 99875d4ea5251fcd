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


def test_images_with_people_come_with_edges_keypoints_and_pixels(small_dataset):
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


def forget_outlines(dataset):
    for annotation in dataset.content['annotations']:
        annotation.pop('segmentation', None)
    dataset.save()


def test_a_folder_of_masks_serves_where_there_are_no_outlines(small_dataset, tmp_path):
    masks = tmp_path / 'masks'
    masks.mkdir()
    outlined = read(small_dataset)[0].read_mask()
    np.testing.assert_array_equal(read(small_dataset, masks)[0].read_mask(), outlined)
    forget_outlines(small_dataset)
    images = read(small_dataset, masks)
    picture = np.zeros((160, 200), np.uint8)
    picture[:10] = 1
    cv2.imwrite(str(masks / f'{images[0].image.path.stem}.png'), picture)
    assert (images[0].read_mask() == 255).sum() == 2000
    with pytest.raises(DatasetError, match=f'{images[1].image.path.stem}.png is not a mask of the 200x160 pixels'):
        images[1].read_mask()
    with pytest.raises(DatasetError, match='nowhere is not a folder of masks'):
        read(small_dataset, tmp_path / 'nowhere')


def test_an_image_in_which_one_person_lacks_its_outline_has_no_mask(small_dataset):
    small_dataset.content['annotations'][0]['segmentation'] = None
    small_dataset.save()
    first, second = read(small_dataset)
    assert first.read_mask() is None and second.read_mask() is not None


def test_a_crowd_without_an_outline_fills_its_box(small_dataset):
    annotation = small_dataset.content['annotations'][0]
    annotation.update(iscrowd=1, bbox=[10, 20, 30, 40], segmentation=None)
    small_dataset.save()
    [first, second] = read(small_dataset)
    assert (first.read_crowds()[20:60, 10:40] == 255).all() and (first.read_crowds() == 255).sum() == 1200
    assert not second.crowds and not second.read_crowds().any()


def test_a_crowd_with_an_outline_fills_that(small_dataset):
    small_dataset.content['annotations'][0].update(iscrowd=1, bbox=[0, 0, 60, 60], segmentation=[[0, 0, 60, 0, 0, 60]])
    small_dataset.save()
    crowds = read(small_dataset)[0].read_crowds()
    assert crowds[5, 5] == 255 and crowds[55, 55] == 0


def test_images_say_whether_everybody_is_labelled(small_dataset):
    small_dataset.content['images'][0]['complete'] = True
    small_dataset.save()
    assert [item.image.complete for item in read(small_dataset)] == [True, False]
    small_dataset.content['images'][0]['complete'] = 'yes'
    small_dataset.save()
    with pytest.raises(DatasetError, match="'complete' of image 10 must be true or false, not 'yes'"):
        read(small_dataset)


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
    forget_outlines(small_dataset)
    image, *_ = read(small_dataset, masks)
    path = masks / f'{image.image.path.stem}.png'
    grey = np.zeros((image.image.height, image.image.width), np.uint8)
    grey[10:20], grey[20:30] = 1, 130
    cv2.imwrite(str(path), grey)
    np.testing.assert_array_equal(image.read_mask(), grey)
    cv2.imwrite(str(path), np.minimum(grey, 1))
    np.testing.assert_array_equal(image.read_mask(), np.where(grey, 255, 0))
