"""A wrong dataset ends in a sentence that names the file and the line or id."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from mpn_ros.coco import read_dataset
from mpn_ros.errors import DatasetError
from mpn_ros.skeleton import COCO, SkeletonLayout


def test_reads_images_in_order_with_their_people(small_dataset):
    dataset = read_dataset(small_dataset.images, small_dataset.annotations)
    assert [image.id for image in dataset.images] == [10, 20, 30]
    assert [len(dataset.annotations_of(image)) for image in dataset.images] == [2, 1, 0]
    assert dataset.images[1].read().shape == (160, 200, 3)
    assert [image.id for image in dataset.first(1).images] == [10]


def test_fills_in_what_coco_leaves_to_the_reader(small_dataset):
    annotation = small_dataset.content['annotations'][0]
    for key in ('iscrowd', 'num_keypoints', 'keypoints'):
        del annotation[key]
    small_dataset.save()
    dataset = read_dataset(small_dataset.images, small_dataset.annotations)
    read = dataset.annotations_of(dataset.images[0])[0]
    assert (read['iscrowd'], read['num_keypoints'], len(read['keypoints'])) == (0, 0, 51)


def test_ids_that_a_tool_wrote_as_text_are_numbers(small_dataset):
    for image in small_dataset.content['images']:
        image['id'] = f'{image["id"]:012d}'
    for annotation in small_dataset.content['annotations']:
        annotation.update(id=str(annotation['id']), image_id=f'{annotation["image_id"]:012d}')
    small_dataset.save()
    dataset = read_dataset(small_dataset.images, small_dataset.annotations)
    assert [image.id for image in dataset.images] == [10, 20, 30]
    assert [
        [(person['id'], person['image_id']) for person in dataset.annotations_of(image)] for image in dataset.images
    ] == [[(0, 10), (1, 10)], [(2, 20)], []]


def test_the_mark_that_windows_writes_first_is_passed_over(small_dataset):
    small_dataset.annotations.write_bytes(b'\xef\xbb\xbf' + small_dataset.annotations.read_bytes())
    assert len(read_dataset(small_dataset.images, small_dataset.annotations).images) == 3


@pytest.mark.parametrize('text', ['[' * 100_000, '{"images": ' + '9' * 5000 + '}'])
def test_json_that_is_made_to_break_readers_is_refused(small_dataset, text):
    small_dataset.annotations.write_text(text)
    with pytest.raises(DatasetError, match='labels.json is no'):
        read_dataset(small_dataset.images, small_dataset.annotations)


def test_other_categories_are_nobody(small_dataset):
    small_dataset.content['categories'].append({'id': 2, 'name': 'dog'})
    small_dataset.content['annotations'][2].update(category_id=2, bbox=[0, 0, 0, 0])
    small_dataset.save()
    dataset = read_dataset(small_dataset.images, small_dataset.annotations)
    assert not dataset.annotations_of(dataset.images[1])


def _annotation(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda content: content['annotations'][1].update(changes)


@pytest.mark.parametrize(
    ('change', 'sentence'),
    [
        (lambda content: content.pop('images'), "no list 'images'"),
        (lambda content: content['annotations'].clear(), "the list 'annotations' is empty"),
        (lambda content: content['categories'][0].update(name='cat'), "no category 'person'"),
        (lambda content: [a.update(category_id=7) for a in content['annotations']], 'no annotation of a person'),
        (lambda content: content['images'][1].update(id=10), 'two images share one id'),
        (lambda content: content['images'][1].pop('file_name'), 'image id 20 needs id, file_name, width and height'),
        (lambda content: content['images'][1].update(width=0), 'image 20 has a size of 0x160'),
        (
            lambda content: content['images'][1].update(file_name='gone.png'),
            r'gone\.png \(image id 20 of .*\) is missing',
        ),
        (lambda content: content['annotations'].append(5), r'annotation without an id \(5\) is not a COCO annotation'),
        (
            lambda content: content['images'][1].update(id='frame_20'),
            "image id 'frame_20' has an id that is no whole number",
        ),
        (lambda content: content['images'][1].update(width=1e9), 'image 20 has a size of 1000000000x160'),
        (
            lambda content: content['images'][1].update(width=40000),
            'image 20 has a size of 40000x160 pixels; sides must',
        ),
        (lambda content: content['images'][1].update(width=float('inf')), 'image id 20 needs id, file_name, width'),
        (lambda content: content['categories'][0].update(keypoints=5), 'does not describe its keypoints'),
        (_annotation(image_id='frame_10'), 'annotation id 1 has an id that is no whole number; COCO knows no others'),
        (_annotation(id=[1]), r'annotation id \[1\] has an id that is no whole number'),
        (_annotation(bbox=[1, 2, 10**400, 4]), 'annotation id 1 needs a bbox of four finite numbers'),
        (
            _annotation(area=None, segmentation=[[0, 0, 1e308, 0, 1e308, 9]]),
            'annotation id 1 has neither polygons nor RLE',
        ),
        (_annotation(image_id=99), 'annotation id 1 is of image id 99, which is not in the list'),
        (_annotation(bbox=[1, 2, 3]), 'annotation id 1 needs a bbox of four finite numbers'),
        (_annotation(bbox=[1, 2, float('nan'), 4]), 'annotation id 1 needs a bbox of four finite numbers'),
        (_annotation(bbox=[10, 10, -3, 5]), r'annotation id 1 has a bbox \[10, 10, -3, 5\] of negative size'),
        (lambda content: [a.update(bbox=[10, 10, 0, 5]) for a in content['annotations']], 'no annotation of a person'),
        (_annotation(bbox=[150, 10, 60, 5]), r'annotation id 1 has a bbox \[150, 10, 60, 5\] outside its image \(200x'),
        (_annotation(bbox=[-5, 10, 60, 5]), 'annotation id 1 has a bbox .* outside its image'),
        (_annotation(area='large'), "annotation id 1 has an area of 'large', which is no number of square pixels"),
        (_annotation(area=-1), 'annotation id 1 has an area of -1, which is no number of square pixels'),
        (_annotation(keypoints=[1, 2, 2]), 'annotation id 1 needs 51 finite numbers as its keypoints'),
    ],
)
def test_names_what_is_wrong(small_dataset, change, sentence):
    if 'RLE' in sentence:
        pytest.importorskip('pycocotools', reason='pycocotools is not installed')
    change(small_dataset.content)
    small_dataset.save()
    with pytest.raises(DatasetError, match=sentence) as error:
        read_dataset(small_dataset.images, small_dataset.annotations)
    assert 'labels.json' in str(error.value)


def test_persons_with_an_empty_box_are_left_out_with_one_warning(small_dataset, caplog):
    """COCO's own train2017 has a few."""
    for annotation, size in zip(small_dataset.content['annotations'], ((0, 5), (7, 0))):
        annotation['bbox'][2:] = size
    small_dataset.save()
    dataset = read_dataset(small_dataset.images, small_dataset.annotations)
    assert [len(dataset.annotations_of(image)) for image in dataset.images] == [0, 1, 0]
    (record,) = caplog.records
    assert record.levelname == 'WARNING'
    assert '2 persons with an empty box are left out, the first of them annotation id 0' in record.getMessage()
    assert 'labels.json' in record.getMessage()


@pytest.mark.parametrize('area', [0, 0.0, None, 'missing'])
def test_persons_without_an_area_have_their_boxes_with_one_warning(small_dataset, caplog, area):
    for annotation in small_dataset.content['annotations']:
        annotation.update(area=area, segmentation=None)
        if area == 'missing':
            del annotation['area']
    small_dataset.save()
    dataset = read_dataset(small_dataset.images, small_dataset.annotations)
    read_dataset(small_dataset.images, small_dataset.annotations)  # as each validation of a training does
    people = [person for image in dataset.images for person in dataset.annotations_of(image)]
    assert [person['area'] for person in people] == [person['bbox'][2] * person['bbox'][3] for person in people]
    (record,) = caplog.records
    assert record.levelname == 'WARNING'
    assert '3 persons have no area, the first of them annotation id 0' in record.message


def test_a_person_without_an_area_has_that_of_its_outline(small_dataset):
    pytest.importorskip('pycocotools', reason='outlines need pycocotools: pip install pycocotools')
    first, second, _ = small_dataset.content['annotations']
    x, y, width, height = first['bbox']
    first.update(area=0, segmentation=[[x, y, x + width, y, x, y + height]])
    second.update(area=17.5)
    small_dataset.save()
    dataset = read_dataset(small_dataset.images, small_dataset.annotations)
    triangle, stated = (person['area'] for person in dataset.annotations_of(dataset.images[0]))
    assert triangle == pytest.approx(width * height / 2, rel=0.05) and stated == 17.5


def turn(dataset, orientation, shown):
    """The first image of the dataset as a camera stores it whose EXIF orientation is that; ``shown`` is what is to be
    seen of it."""
    transpose = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90,
                 8: Image.Transpose.ROTATE_270}  # fmt: skip
    path = dataset.images / 'turned.png'
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(shown).transpose(transpose[orientation]).save(path, exif=exif)
    dataset.content['images'][0]['file_name'] = path.name
    dataset.save()


@pytest.fixture
def shown():
    return np.random.default_rng(0).integers(0, 255, (160, 200, 3), np.uint8)


@pytest.mark.parametrize('orientation', [6, 8])
def test_a_photograph_is_turned_where_its_labels_have_the_size_that_is_shown(small_dataset, caplog, shown, orientation):
    turn(small_dataset, orientation, shown)
    [image, *_] = read_dataset(small_dataset.images, small_dataset.annotations).images
    np.testing.assert_array_equal(image.read()[..., ::-1], shown)
    assert not caplog.records


def test_and_not_where_they_have_the_size_that_is_stored(small_dataset, caplog, shown):
    turn(small_dataset, 6, shown)
    small_dataset.content['images'][0].update(width=160, height=200)
    small_dataset.content['annotations'] = small_dataset.content['annotations'][2:]
    small_dataset.save()
    [image, *_] = read_dataset(small_dataset.images, small_dataset.annotations).images
    np.testing.assert_array_equal(image.read()[..., ::-1], np.rot90(shown))
    assert not caplog.records


@pytest.mark.parametrize('orientation', [2, 3])
def test_what_the_size_does_not_decide_is_warned_of_and_has_an_option(small_dataset, caplog, shown, orientation):
    turn(small_dataset, orientation, shown)
    read = {upright: read_dataset(small_dataset.images, small_dataset.annotations, upright=upright).images[0].read()
            for upright in (None, False, True)}  # fmt: skip
    np.testing.assert_array_equal(read[True][..., ::-1], shown)
    assert (read[None] == read[False]).all() and (read[None] != read[True]).any()
    (record,) = caplog.records
    assert '1 images have an EXIF orientation that the size in their labels does not decide' in record.message
    assert 'turned.png' in record.message and '--exif upright' in record.message


DOOR = {
    'keypoints': ['hinge_a', 'hinge_b', 'left_corner', 'right_corner'],
    'skeleton': [[1, 2], [3, 4]],
    'flip_pairs': [['hinge_a', 'hinge_b']],
}


def other_keypoints(dataset, **changes):
    dataset.content['categories'][0].update({**DOOR, **changes})
    for annotation in dataset.content['annotations']:
        annotation['keypoints'] = annotation['keypoints'][:12]
    dataset.save()


def test_labels_may_have_keypoints_of_their_own(small_dataset):
    other_keypoints(small_dataset)
    dataset = read_dataset(small_dataset.images, small_dataset.annotations)
    assert dataset.layout == SkeletonLayout(tuple(DOOR['keypoints']), ((0, 1), (2, 3)), (1, 0, 3, 2), (0.067,) * 4)
    assert len(dataset.annotations_of(dataset.images[0])[0]['keypoints']) == 12


def test_labels_that_state_cocos_names_are_cocos(small_dataset):
    small_dataset.content['categories'][0]['keypoints'] = list(COCO.names)
    small_dataset.save()
    assert read_dataset(small_dataset.images, small_dataset.annotations).layout is COCO


def test_labels_of_other_keypoints_than_wanted_are_refused(small_dataset):
    other_keypoints(small_dataset)
    with pytest.raises(DatasetError, match=r'labels\.json labels 4 keypoints \(hinge_a, .* are 17 \(nose, left_eye'):
        read_dataset(small_dataset.images, small_dataset.annotations, COCO)


@pytest.mark.parametrize(
    ('changes', 'sentence'),
    [
        ({'flip_pairs': [['hinge_a', 'knob']]}, "'hinge_a' has no 'knob'"),
        ({'keypoints': ['left_corner', 'knob', 'hinge_a', 'hinge_b']}, "'left_corner' has no 'right_corner'"),
        ({'keypoints': ['hinge_a', 'hinge_a', 'hinge_b', 'knob']}, 'two keypoints have one name'),
        ({'skeleton': [[0, 1]]}, 'edges must join keypoints'),
        ({'skeleton': [1, 2]}, 'does not describe its keypoints'),
        ({'keypoints': [1, 2]}, 'does not describe its keypoints'),
    ],
)
def test_keypoints_that_contradict_themselves_are_refused(small_dataset, changes, sentence):
    other_keypoints(small_dataset, **changes)
    with pytest.raises(DatasetError, match=sentence) as error:
        read_dataset(small_dataset.images, small_dataset.annotations)
    assert 'labels.json' in str(error.value)


def test_a_box_may_overhang_by_rounding(small_dataset):
    small_dataset.content['annotations'][1]['bbox'] = [100, 30, 101.5, 90]
    small_dataset.save()
    read_dataset(small_dataset.images, small_dataset.annotations)


def test_broken_json_is_named_with_its_line(small_dataset):
    small_dataset.annotations.write_text('{"images": [],\n "annotations": [}')
    with pytest.raises(DatasetError, match=r'labels\.json is not JSON: line 2, column 18'):
        read_dataset(small_dataset.images, small_dataset.annotations)


def test_binary_annotations_are_not_json(small_dataset):
    small_dataset.annotations.write_bytes(b'{"\xff')
    with pytest.raises(DatasetError, match='is not JSON: byte 2'):
        read_dataset(small_dataset.images, small_dataset.annotations)


def test_missing_folder_and_file(small_dataset, tmp_path):
    with pytest.raises(DatasetError, match='images folder .*nowhere is missing'):
        read_dataset(tmp_path / 'nowhere', small_dataset.annotations)
    with pytest.raises(DatasetError, match='nothing.json cannot be read: No such file'):
        read_dataset(small_dataset.images, tmp_path / 'nothing.json')


def test_images_that_are_not_what_their_labels_say(small_dataset):
    image = read_dataset(small_dataset.images, small_dataset.annotations).images[0]
    cv2.imwrite(str(image.path), np.zeros((80, 100, 3), np.uint8))
    with pytest.raises(DatasetError, match=r'10\.png has 100x80 pixels, but its labels \(image id 10\) say 200x160'):
        image.read()
    image.path.write_bytes(b'no picture')
    with pytest.raises(DatasetError, match=r'10\.png is not a picture'):
        image.read()


def test_labels_count_in_stored_pixels_whatever_exif_says(small_dataset):
    image = read_dataset(small_dataset.images, small_dataset.annotations).images[0]
    _, jpeg = cv2.imencode('.jpg', np.zeros((160, 200, 3), np.uint8))
    exif = b'Exif\0\0' + struct.pack('<2sHIHHHIHHI', b'II', 42, 8, 1, 0x0112, 3, 1, 6, 0, 0)
    image.path.write_bytes(b'\xff\xd8\xff\xe1' + struct.pack('>H', len(exif) + 2) + exif + jpeg.tobytes()[2:])
    assert image.read().shape == (160, 200, 3)
