"""What the pipeline answers, as arrays and for the package supervision."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from mpn_ros.result import Person, PoseResult


def person(score: float, id: int | None = None) -> Person:
    keypoints = np.full((17, 3), (np.nan, np.nan, 0), np.float32)
    keypoints[5] = 40, 30, 0.7
    return Person(np.array([10, 20, 60, 90], np.float32), score, keypoints, id)


MASK = np.zeros((120, 160), np.uint8)
MASK[25:80, 20:50] = 255
RESULT = PoseResult((person(0.9, 4), person(0.6)), MASK)
NOBODY = PoseResult((), None, (160, 120))


def test_a_result_is_arrays():
    assert RESULT.boxes.tolist() == [[10, 20, 60, 90]] * 2 and RESULT.boxes.dtype == np.float32
    assert RESULT.scores == pytest.approx([0.9, 0.6]) and RESULT.keypoints.shape == (2, 17, 3)
    assert RESULT.ids.tolist() == [4, -1]


def test_nobody_is_arrays_without_rows():
    assert (NOBODY.boxes.shape, NOBODY.scores.shape, NOBODY.keypoints.shape) == ((0, 4), (0,), (0, 17, 3))
    assert NOBODY.ids is None and NOBODY.image_size == (160, 120)


def test_without_ids_there_are_none():
    assert PoseResult((person(0.9),), None, (160, 120)).ids is None


def check(key_points, detections) -> None:
    assert key_points.xy.shape == (2, 17, 2) and key_points.xy[0, 5].tolist() == [40, 30]
    assert not key_points.xy[0, :5].any(), 'supervision draws nothing at 0, 0'
    assert key_points.keypoint_confidence[1, 5] == pytest.approx(0.7) and key_points.keypoint_confidence[1, 4] == 0
    np.testing.assert_array_equal(detections.xyxy, RESULT.boxes)
    assert detections.confidence == pytest.approx([0.9, 0.6]) and detections.tracker_id.tolist() == [4, -1]
    assert detections.mask.shape == (2, 120, 160) and (detections.mask.any(0) == (MASK > 0)).all()
    for made in (key_points, detections):
        assert made.class_id.tolist() == [0, 0] and made.data['class_name'].tolist() == ['person'] * 2


def test_what_supervision_is_given(monkeypatch):
    stand_in = SimpleNamespace(KeyPoints=SimpleNamespace, Detections=SimpleNamespace)
    monkeypatch.setitem(sys.modules, 'supervision', stand_in)
    check(*RESULT.to_supervision())


def test_supervision_itself_takes_and_draws_it():
    supervision = pytest.importorskip('supervision', minversion='0.29', reason='supervision is not installed here')
    key_points, detections = RESULT.to_supervision()
    check(key_points, detections)
    assert len(key_points) == len(detections) == 2
    assert [len(made) for made in NOBODY.to_supervision()] == [0, 0]
    canvas = np.zeros((120, 160, 3), np.uint8)
    drawn = supervision.VertexAnnotator(radius=3).annotate(canvas.copy(), key_points)
    assert drawn[30, 40].any() and not drawn[:20].any(), 'one keypoint, and nothing for those that are not visible'
    assert supervision.BoxAnnotator().annotate(canvas.copy(), detections)[20, 10:60].any()


def test_without_supervision_it_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, 'supervision', None)
    with pytest.raises(ImportError):
        RESULT.to_supervision()
