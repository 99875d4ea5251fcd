"""Networks that see the people whom the test names: they must come out where they are, whatever the family, the runtime
and the shape of the image. Where the input of a network shows them is worked out here, after each family's own rule."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

pytest.importorskip('onnx', reason='onnx is an extra and is not installed')
from onnx import TensorProto  # noqa: E402

from mpn_ros.pipeline.pipeline import PosePipeline, Thresholds  # noqa: E402
from mpn_ros.skeleton import COCO  # noqa: E402

SIZES = {'portrait': (480, 640), 'landscape': (640, 360), 'odd': (333, 517), 'small': (97, 61), 'large': (1921, 1079)}
LONG = 320
KEYPOINTS = 17


def people(size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Two people who stand apart in an image (width, height): boxes (2, 5), the better first, and keypoints (2, 17, 3),
    the last of which is not seen."""
    random, (width, height) = np.random.default_rng(0), size
    boxes = np.array(
        [
            (0.55 * width, 0.1 * height, 0.95 * width, 0.9 * height, 0.9),
            (0.05 * width, 0.2 * height, 0.4 * width, 0.95 * height, 0.7),
        ]
    )
    keypoints = np.empty((2, KEYPOINTS, 3))
    for box, points in zip(boxes, keypoints):
        points[:, :2] = random.uniform(box[:2], box[2:4], (KEYPOINTS, 2))
        points[:, 2] = random.uniform(0.5, 1, KEYPOINTS)
    keypoints[:, -1, 2] = 0.01
    return boxes, keypoints


def to_input(size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[int, int]]:
    """Boxes and keypoints in an input of the long side, its scale in x and y, and how large the image lies in it."""
    width, height = size
    scale = LONG / max(size)
    content = round(width * scale), round(height * scale)
    scales = np.array(content) / size
    boxes, keypoints = people(size)
    boxes[:, :4] *= np.tile(scales, 2)
    return boxes, keypoints, scales, content


def movenet(save, size, **options):
    boxes, keypoints, scales, content = to_input(size)
    # Its keypoints count from the middle of a pixel; all of it are fractions of the padded input.
    keypoints[..., :2] = (keypoints[..., :2] + 0.5) * scales - 0.5
    padded = np.array([32 * math.ceil(side / 32) for side in content])
    rows = np.zeros((1, 6, 56))
    rows[0, :2, :51] = np.concatenate([keypoints[..., 1::-1] / padded[::-1], keypoints[..., 2:]], -1).reshape(2, 51)
    rows[0, :2, 51:55] = boxes[:, [1, 0, 3, 2]] / np.tile(padded[::-1], 2)
    rows[0, :2, 55] = boxes[:, 4]
    return save({'rows': rows[:, ::-1]}, [1, 'height', 'width', 3], dtype=TensorProto.INT32, **options)


def rtmo(save, size, again=False, **options):
    boxes, keypoints, scales, _ = to_input(size)
    keypoints[..., :2] *= scales
    count = 200 if again else 2  # without suppression of its own: a hundred cells see each
    found, poses = np.zeros((1, count, 5)), np.zeros((1, count, KEYPOINTS, 3))
    for cell in range(count):
        found[0, cell], poses[0, cell] = boxes[cell % 2], keypoints[cell % 2]
        found[0, cell, 4] -= 0.001 * (cell // 2)
    return save({'dets': found, 'keypoints': poses}, [1, 3, LONG, LONG], **options)


def rtmo_unsuppressed(save, size, **options):
    return rtmo(save, size, again=True, **options)


def yolo(save, size, **options):
    boxes, keypoints, scales, _ = to_input(size)
    keypoints[..., :2] *= scales
    rows = np.zeros((1, 56, 84))
    for cell in range(40):
        box = boxes[cell % 2]
        rows[0, :, cell] = [
            *(box[:2] + box[2:4]) / 2,
            *(box[2:4] - box[:2]),
            box[4] - 0.001 * (cell // 2),
            *keypoints[cell % 2].ravel(),
        ]
    return save({'out': rows}, [1, 3, LONG, LONG], **options)


def end_to_end(save, size, **options):
    boxes, keypoints, scales, _ = to_input(size)
    keypoints[..., :2] *= scales
    rows = np.zeros((1, 300, 57))
    rows[0, :2] = np.concatenate([boxes, np.zeros((2, 1)), keypoints.reshape(2, 51)], 1)
    return save({'out': rows}, ['batch', 3, 'height', 'width'], **options)


FAMILIES = [movenet, rtmo, rtmo_unsuppressed, yolo, end_to_end]


@pytest.mark.parametrize('size', SIZES.values(), ids=SIZES)
@pytest.mark.parametrize('runtime', ['openvino', 'onnxruntime'])
@pytest.mark.parametrize('family', FAMILIES)
def test_people_come_out_where_they_are(save, family, runtime, size):
    pytest.importorskip(runtime, reason=f'{runtime} is an extra and is not installed')
    fixed = family in (rtmo, rtmo_unsuppressed, yolo)
    pipeline = PosePipeline(family(save, size), input_size=None if fixed else LONG, backend=runtime, precision='fp32')
    result = pipeline(np.zeros((*size[::-1], 3), np.uint8))
    boxes, keypoints = people(size)
    assert result.mask is None and result.image_size == size
    assert len(result.people) == 2
    for person, box, points in zip(result.people, boxes, keypoints):
        np.testing.assert_allclose(person.box, box[:4], atol=0.05)
        assert person.score == pytest.approx(box[4], abs=1e-4)
        np.testing.assert_allclose(person.keypoints[:-1], points[:-1], atol=0.05)
        assert not person.visible[-1]


@pytest.mark.parametrize('family', [rtmo, yolo, end_to_end])
def test_keypoints_in_another_order_go_to_their_places(save, family):
    size = SIZES['odd']
    path = family(save, size)
    names = [*COCO.names[1:], COCO.names[0]]
    path.with_suffix('.json').write_text(json.dumps({'keypoints': names}))
    first, _ = PosePipeline(
        path, input_size=None if family is not end_to_end else LONG, precision='fp32', backend='openvino'
    )(np.zeros((*size[::-1], 3), np.uint8)).people
    _, keypoints = people(size)
    np.testing.assert_allclose(first.keypoints[1:], keypoints[0, :-1], atol=0.05)
    assert not first.visible[0]


def test_a_batch_answers_as_its_images_alone(save):
    size = SIZES['portrait']
    pipeline = PosePipeline(end_to_end(save, size), input_size=LONG, precision='fp32', backend='openvino')
    image = np.zeros((*size[::-1], 3), np.uint8)
    alone = pipeline(image)
    for result in pipeline.batch([image, image, image]):
        np.testing.assert_array_equal(result.people[1].keypoints, alone.people[1].keypoints)


def test_thresholds_decide_and_stand_beside_the_file(save):
    path = yolo(save, SIZES['odd'])
    image = np.zeros((*SIZES['odd'][::-1], 3), np.uint8)
    path.with_suffix('.json').write_text('{"thresholds": {"person": 0.8, "keypoint": 0}}')
    pipeline = PosePipeline(path, precision='fp32')
    (person,) = pipeline(image).people
    assert person.score == pytest.approx(0.9) and person.visible.all()
    pipeline.thresholds = Thresholds(score_threshold=0.1, nms_iou=1)
    assert len(pipeline(image).people) == 20


def test_the_prn_groups_where_it_is_asked_to(save, caplog):
    size = SIZES['portrait']
    image = np.zeros((*size[::-1], 3), np.uint8)
    pipeline = PosePipeline(yolo(save, size), grouper='prn', precision='fp32')
    boxes, keypoints = people(size)
    first = pipeline(image).people[0]
    right = np.abs(first.keypoints[:, :2] - keypoints[0, :, :2]).max(-1) < 0.5
    assert right.sum() == first.visible.sum() > 0, 'a keypoint is where no network has seen one'
    caplog.clear()
    PosePipeline(movenet(save, size), grouper='prn', precision='fp32')
    assert 'groups by itself: grouper prn is not used' in caplog.text
