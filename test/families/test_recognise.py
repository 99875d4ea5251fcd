"""A file is told by what it says of itself, and one that is of no known family by a sentence."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint

import numpy as np
import pytest

pytest.importorskip('onnx', reason='onnx is an extra and is not installed')
from onnx import TensorProto  # noqa: E402

from mpn_ros.errors import WeightsError  # noqa: E402
from mpn_ros.families import recognise as room  # noqa: E402
from mpn_ros.families.base import Poses, Preprocessing, Traits  # noqa: E402
from mpn_ros.families.network import open_network  # noqa: E402
from mpn_ros.skeleton import COCO  # noqa: E402

SQUARE = [1, 3, 64, 64]
ANY_SIDES = ['batch', 3, 'height', 'width']
YOLO = {
    'task': 'pose',
    'kpt_shape': '[17, 3]',
    'names': "{0: 'person'}",
    'stride': '32',
    'imgsz': '[64, 64]',
    'license': 'AGPL-3.0 License (https://ultralytics.com/license)',
}


def zeros(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.float32)


def test_movenet_by_its_shapes(save):
    network = open_network(save({'rows': zeros(1, 6, 56)}, [1, 'h', 'w', 3], dtype=TensorProto.INT32))
    assert network.family.traits.name == 'MoveNet MultiPose'
    assert network.family.traits.preprocessing.dtype == 'int32' and network.input_size == 384
    assert 'the file states no licence' in str(network) and '17 keypoints, 384 pixels on the long side' in str(network)


@pytest.mark.parametrize('boxes, keypoints', [('dets', 'keypoints'), ('b', 'a')])
def test_rtmo_by_its_shapes(save, boxes, keypoints):
    outputs = {boxes: zeros(1, 9, 5), keypoints: zeros(1, 9, 17, 3)}
    network = open_network(save(outputs, SQUARE))
    assert network.family.traits.name == 'RTMO' and network.family.traits.preprocessing.channel_order == 'bgr'
    assert network.input_size == (64, 64)


@pytest.mark.parametrize('shape, name', [((1, 56, 84), 'YOLO-pose'), ((1, 300, 57), 'YOLO-pose, end to end')])
@pytest.mark.parametrize('metadata', [YOLO, {}])
@pytest.mark.parametrize('stated', [None, {'out': ['batch', 'rows', 'columns']}])
def test_yolo_by_its_metadata_or_its_shapes_open_or_not(save, shape, name, metadata, stated):
    network = open_network(
        save({'out': zeros(*shape)}, ANY_SIDES if stated else SQUARE, stated=stated, metadata=metadata)
    )
    assert network.family.traits.name == name
    assert ('AGPL-3.0' in str(network)) == bool(metadata)


def test_yolo_of_several_classes_means_people(save):
    metadata = YOLO | {'names': "{0: 'dog', 1: 'person'}"}
    family = open_network(save({'out': zeros(1, 57, 84)}, SQUARE, metadata=metadata)).family
    assert (family.classes, family.person) == (2, 1)
    rows = zeros(1, 57, 84)
    rows[0, 4, 3], rows[0, 5, 9] = 0.9, 0.8
    (poses,) = family.decode([rows], (64, 64))
    assert poses.boxes[:, 4].argmax() == 9, 'it took the dog'


def test_the_name_of_a_file_says_nothing(save):
    assert (
        open_network(save({'rows': zeros(1, 6, 56)}, [1, 64, 64, 3], name='yolo11n-pose.onnx')).family.traits.name
        == 'MoveNet MultiPose'
    )


@pytest.mark.parametrize(
    'outputs, shape, metadata, sentence',
    [
        ({'classes': zeros(1, 1000)}, SQUARE, {}, 'is no pose network: it takes images float32 1x3x64x64'),
        ({'out': zeros(1, 84, 99)}, SQUARE, {'task': 'detect'}, 'is a detector without keypoints'),
        ({'out': zeros(1, 84, 99)}, SQUARE, {}, 'is a detector without keypoints'),
        ({'out': zeros(1, 300, 6)}, SQUARE, {}, 'is a detector without keypoints'),
        ({'dets': zeros(1, 9, 5), 'labels': zeros(1, 9)}, SQUARE, {}, 'is a detector without keypoints'),
        ({'x': zeros(1, 17, 384), 'y': zeros(1, 17, 512)}, SQUARE, {}, 'finds the keypoints of a single person'),
        ({'heatmaps': zeros(1, 17, 16, 16)}, SQUARE, {}, 'finds the keypoints of a single person'),
        ({'rows': zeros(1, 1, 17, 3)}, [1, 64, 64, 3], {}, 'finds the keypoints of a single person'),
        ({'out': zeros(1, 7, 9, 11)}, SQUARE, {}, 'has outputs that are not known.*gives out float32 1x7x9x11'),
        ({'text': zeros(1, 8)}, [1, 80], {}, 'is no network that takes an image'),
        (
            {'out': zeros(1, 44, 84)},
            SQUARE,
            YOLO | {'kpt_shape': '[13, 3]'},
            "13 keypoints, which are not COCO's 17: name",
        ),
        (
            {'dets': zeros(1, 9, 5), 'k': zeros(1, 9, 21, 3)},
            SQUARE,
            {},
            "21 keypoints, which are not COCO's 17: name them",
        ),
        ({'out': zeros(1, 56, 84)}, SQUARE, YOLO | {'kpt_shape': '[0.5, 9]'}, "'kpt_shape'"),
        ({'rows': zeros(4, 6, 56)}, [4, 64, 64, 3], {}, 'takes 4 images at once: export it for one'),
    ],
)
def test_what_cannot_be_run_is_one_sentence(save, outputs, shape, metadata, sentence):
    path = save(outputs, shape, metadata=metadata)
    with pytest.raises(WeightsError, match=sentence) as raised:
        open_network(path)
    assert str(raised.value).startswith(str(path)) and '\n' not in str(raised.value)


def test_what_is_known_is_listed(save):
    with pytest.raises(WeightsError) as raised:
        open_network(save({'out': zeros(1, 7, 9, 11)}, SQUARE))
    for kind in room.FAMILIES:
        assert kind.form in str(raised.value)


def test_keypoints_in_another_order_come_back_in_cocos(save):
    names = list(COCO.names[::-1])
    path = save({'dets': zeros(1, 9, 5), 'k': zeros(1, 9, 17, 3)}, SQUARE)
    path.with_suffix('.json').write_text(json.dumps({'keypoints': names}))
    network = open_network(path)
    assert network.preset.layout is COCO and network.order.tolist() == list(range(16, -1, -1))


def test_other_keypoints_make_a_layout_of_their_own(save):
    path = save({'out': zeros(1, 14, 84)}, SQUARE)
    names = ['left_hand', 'right_hand', 'head']
    path.with_suffix('.json').write_text(json.dumps({'keypoints': names}))
    network = open_network(path)
    assert network.preset.layout.names == tuple(names) and network.preset.layout.flip == (1, 0, 2)
    path.with_suffix('.json').write_text(json.dumps({'keypoints': ['left_hand', 'head', 'foot']}))
    with pytest.raises(WeightsError, match="has keypoints that make no skeleton: keypoint 'left_hand' has no"):
        open_network(path)


class Foreign:
    """A family as another package would write it."""

    form = 'numbers 1xNx2'

    def __init__(self):
        self.traits = Traits('Foreign', preprocessing=Preprocessing(std=(2, 2, 2)))

    @classmethod
    def recognise(cls, signature):
        return cls() if signature.outputs[0].like(None, None, 2) else None

    def preprocess(self, images):
        return self.traits.preprocessing(images)

    def decode(self, outputs, size):
        return [Poses(np.float32([[0, 0, 9, 9, 0.9]]), np.ones((1, 17, 3), np.float32))]


def test_families_of_other_packages_are_found(save, monkeypatch, caplog):
    path = save({'out': zeros(1, 4, 2)}, SQUARE)
    found = [EntryPoint('foreign', f'{__name__}:Foreign', room.GROUP), EntryPoint('gone', 'no.such:Thing', room.GROUP)]
    monkeypatch.setattr(room, 'entry_points', lambda group: found if group == room.GROUP else [])
    monkeypatch.setattr(EntryPoint, 'load', lambda self: Foreign if self.name == 'foreign' else __import__('no.such'))
    assert open_network(path).family.traits.name == 'Foreign'
    assert "the family 'gone' of no.such:Thing cannot be used" in caplog.text
