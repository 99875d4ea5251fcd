"""The reader: what a dataset says, and one sentence for each way to be wrong."""

import json

import cv2
import numpy as np
import pytest

from mpn_ros.errors import DatasetError
from mpn_ros.training.coco import read_coco

POSE = [v for j in range(17) for v in (20 + j, 30, 2)]


def person(**changes):
    return {'id': 7, 'image_id': 1, 'category_id': 1, 'bbox': [10, 10, 30, 40], 'keypoints': POSE, 'num_keypoints': 17, 'iscrowd': 0,
            'segmentation': [[10, 10, 40, 10, 40, 50, 10, 50]], **changes}


@pytest.fixture
def write(tmp_path):
    def _write(annotations, images=({'id': 1, 'file_name': 'a.jpg', 'width': 80, 'height': 60},), text=None):
        (tmp_path / 'images').mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / 'images/a.jpg'), np.full((60, 80, 3), 90, np.uint8))
        file = tmp_path / 'labels.json'
        file.write_text(text if text is not None else json.dumps({'images': list(images), 'annotations': annotations}))
        return tmp_path / 'images', file
    return _write


def test_people_come_as_edges_and_joints_and_crowds_only_in_the_mask(write):
    crowd = person(id=8, iscrowd=1, bbox=[50, 0, 20, 20], segmentation={'size': [60, 80], 'counts': [60 * 50, 60 * 20, 60 * 10]})
    (item,) = read_coco(*write([person(), crowd]))
    assert item.boxes.tolist() == [[10, 10, 40, 50]] and item.keypoints.shape == (1, 17, 3)
    mask = item.read_mask()
    assert mask.shape == (60, 80) and mask[30, 20] == 255 and mask[5, 60] == 255 and mask[5, 5] == 0 and mask[30, 75] == 0
    assert item.read().shape == (60, 80, 3)


def test_images_without_people_are_left_out(write):
    images = [{'id': 1, 'file_name': 'a.jpg', 'width': 80, 'height': 60}, {'id': 2, 'file_name': 'a.jpg', 'width': 80, 'height': 60}]
    assert [item.identity for item in read_coco(*write([person()], images))] == [1]


@pytest.mark.parametrize(('annotations', 'sentence'), [
    ([person(image_id=5)], 'annotation 7 names image 5'),
    ([person(bbox=[70, 10, 30, 40])], 'annotation 7 is empty or outside its 80x60 image'),
    ([person(bbox=[10, 10, 0, 40])], 'annotation 7 is empty or outside'),
    ([person(keypoints=[1, 2, 3])], 'annotation 7 has 3 keypoint numbers, not 51'),
    ([], 'no image with a labelled person'),
])
def test_a_wrong_annotation_is_named(write, annotations, sentence):
    images, file = write(annotations)
    with pytest.raises(DatasetError, match=sentence) as caught:
        read_coco(images, file)
    assert str(file) in str(caught.value) and '\n' not in str(caught.value)


def test_broken_json_is_named_with_its_line(write):
    with pytest.raises(DatasetError, match='labels.json is not valid JSON at line 3'):
        read_coco(*write([], text='{\n"images": [],\n"annotations": oops}'))


@pytest.mark.parametrize('text', ['[]', '{"images": {}}', '"people"'])
def test_json_of_something_else_is_refused(write, text):
    with pytest.raises(DatasetError, match='not a COCO annotation file'):
        read_coco(*write([], text=text))


def test_missing_files_are_named(write, tmp_path):
    images, file = write([person()], [{'id': 1, 'file_name': 'gone.jpg', 'width': 80, 'height': 60}])
    with pytest.raises(DatasetError, match='image 1 is .*gone.jpg, which does not exist'):
        read_coco(images, file)
    with pytest.raises(DatasetError, match='nowhere'):
        read_coco(tmp_path / 'nowhere', file)
    with pytest.raises(DatasetError, match='none.json cannot be read'):
        read_coco(images, tmp_path / 'none.json')


def test_an_unreadable_picture_is_named_when_it_is_read(write):
    images, file = write([person()])
    (images / 'a.jpg').write_bytes(b'not a picture')
    with pytest.raises(DatasetError, match=r'a.jpg \(image id 1\)'):
        read_coco(images, file)[0].read()
