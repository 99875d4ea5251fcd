"""Results as JSON: what a reader of the file counts on."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

from mpn_ros.pipeline.record import JsonWriter, result_record, run_lengths
from mpn_ros.result import Person, PoseResult
from mpn_ros.skeleton import COCO


def a_result() -> PoseResult:
    keypoints = np.full((17, 3), (np.nan, np.nan, 0), np.float32)
    keypoints[3] = 1.234567, 2, 0.98762
    mask = np.zeros((3, 4), np.uint8)
    mask[1, 2] = 255
    return PoseResult((Person(np.array([0, 1, 2, 3.5], np.float32), 0.5, keypoints, 7),), mask)


def test_a_keypoint_that_is_not_seen_is_null():
    (person,) = result_record(a_result())['people']
    assert person['box'] == [0, 1, 2, 3.5]
    assert person['score'] == 0.5 and person['id'] == 7
    assert person['keypoints'] == [None] * 3 + [[1.23, 2, 0.9876]] + [None] * 13


def test_without_a_mask_there_is_null():
    record = result_record(PoseResult(a_result().people, None, (4, 3)))
    assert record['mask'] is None and record['people'][0]['mask'] is None


def test_each_person_has_the_run_lengths_of_its_own_pixels():
    mask = np.zeros((3, 6), np.uint8)
    mask[1] = 255
    people = [Person(np.array(box, np.float32), 0.5, np.full((17, 3), (np.nan, np.nan, 0), np.float32))
              for box in ([0, 0, 3, 3], [3, 0, 6, 3], [0, 0, 1, 1])]  # fmt: skip
    record = result_record(PoseResult(tuple(people), mask))
    assert [person['mask']['counts'] for person in record['people']] == [
        [1, 1, 2, 1, 2, 1, 10],
        [10, 1, 2, 1, 2, 1, 1],
        [18],
    ]
    assert record['mask']['counts'] == [1, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 1]


def test_run_lengths_of_a_known_mask():
    assert run_lengths(a_result().mask != 0, 1) == [{'size': [3, 4], 'counts': [7, 1, 4]}]


@pytest.mark.parametrize('fill', [0, 255, None])
def test_run_lengths_are_cocos(fill):
    coco_mask = pytest.importorskip('pycocotools.mask', reason='pycocotools decodes the run lengths')
    noise = np.random.default_rng(0).integers(0, 2, (23, 17), np.uint8)
    mask = noise if fill is None else np.full_like(noise, fill)
    decoded = coco_mask.decode(coco_mask.frPyObjects(run_lengths(mask != 0, 1)[0], 23, 17))
    np.testing.assert_array_equal(decoded != 0, mask != 0)


def test_the_file_is_json_with_a_line_for_each_frame(tmp_path):
    with JsonWriter(tmp_path / 'clip.json', 'clip.mp4', 4, 3) as record:
        record.write(0, 0.0, a_result())
        record.write(1, 0.0333333, PoseResult((), np.zeros((3, 4), np.uint8)))
    text = (tmp_path / 'clip.json').read_text()
    content = json.loads(text)
    assert (content['source'], content['width'], content['height']) == ('clip.mp4', 4, 3)
    assert tuple(content['keypoint_names']) == COCO.names
    frames = [(frame['index'], frame['time'], len(frame['people'])) for frame in content['frames']]
    assert frames == [(0, 0, 1), (1, 0.0333, 0)]
    assert sum(line.startswith('{"index"') for line in text.splitlines()) == 2
    assert os.listdir(tmp_path) == ['clip.json']


def test_an_interrupted_file_does_not_appear(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        with JsonWriter(tmp_path / 'clip.json', 'clip.mp4', 4, 3) as record:
            record.write(0, 0.0, a_result())
            raise KeyboardInterrupt
    assert os.listdir(tmp_path) == []
