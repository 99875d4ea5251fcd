"""Steady keypoints: who stands does not tremble, who moves is followed, and nothing flashes up or drops out."""

from __future__ import annotations

import numpy as np
import pytest

from mpn_ros.result import Person, PoseResult
from mpn_ros.tracking.smoothing import APPEAR, FORGET, HOLD, KeypointSmoother

STEP = 1 / 30
SIZE = np.array([100.0])
HIDDEN = np.array([np.nan, np.nan])


def run(path, scores=0.9, smoother=None, start=0.0, step=STEP, size=SIZE, person=1):
    """A person's keypoints ``(T, K, D)`` through the filter."""
    smoother = smoother or KeypointSmoother()
    scores = np.broadcast_to(scores, path.shape[:2])
    shown = [
        smoother.update([person], points[None], score[None], size, start + moment * step)
        for moment, (points, score) in enumerate(zip(path, scores, strict=True))
    ]
    return np.array([points[0] for points, _ in shown]), np.array([score[0] for _, score in shown])


def noise(shape, scale=1.0):
    return scale * np.random.default_rng(0).normal(size=shape)


def tremble(path):
    return np.linalg.norm(np.diff(path, axis=0), axis=-1).mean()


def test_who_stands_trembles_much_less():
    raw = 50 + noise((200, 17, 2))
    steady, _ = run(raw)
    assert tremble(steady) < 0.35 * tremble(raw)
    np.testing.assert_allclose(steady[50:].mean(0), 50, atol=0.5)


def test_who_walks_is_followed_closely():
    speed = 150.0  # pixels a second, one and a half sizes: a walk
    moments = np.arange(90) * STEP
    raw = np.stack([speed * moments, 0 * moments], -1)[:, None] + noise((90, 1, 2), 0.5)
    steady, _ = run(raw)
    behind = (speed * moments - steady[:, 0, 0])[30:].mean() / speed
    assert 0 < behind < 0.025, 'seconds'


@pytest.mark.parametrize('unit', [0.01, 1.0, 100.0])
def test_it_does_not_matter_in_what_unit_positions_are(unit):
    raw = np.cumsum(noise((60, 5, 3)), 0)
    np.testing.assert_allclose(run(unit * raw, size=unit * SIZE)[0], unit * run(raw)[0], rtol=1e-9)


def test_it_goes_by_the_clock_and_not_by_the_count_of_images():
    jump = np.zeros((40, 1, 2))
    jump[1:] = 10
    fast, slow = run(jump, step=1 / 60)[0], run(jump, step=1 / 10)[0]
    assert slow[2, 0, 0] > fast[2, 0, 0] + 1, 'after 200 ms it is nearer than after 33'


def test_an_unsure_position_moves_it_less():
    jump = np.zeros((2, 2, 2))
    jump[1] = 10
    steady, _ = run(jump, scores=np.array([0.9, 0.1]))
    assert steady[1, 1, 0] < 0.5 * steady[1, 0, 0]


def test_a_keypoint_that_drops_out_for_a_moment_stays_with_the_person():
    path = np.zeros((12, 3, 2)) + 5 * np.arange(12)[:, None, None]
    path[6:9, 0] = HIDDEN
    steady, scores = run(path)
    assert np.isfinite(steady).all()
    np.testing.assert_allclose(steady[8, 0] - steady[5, 0], steady[8, 1] - steady[5, 1], atol=1e-9)
    assert (np.diff(scores[5:9, 0]) < 0).all() and scores[9, 0] == pytest.approx(0.9)


def test_a_keypoint_that_is_gone_goes():
    path = np.zeros((30, 2, 2))
    path[6:, 0] = HIDDEN
    steady, scores = run(path)
    gone = 6 + int(HOLD / STEP)
    assert np.isfinite(steady[gone - 1, 0]).all() and np.isnan(steady[gone:, 0]).all() and not scores[gone:, 0].any()


@pytest.mark.parametrize(('score', 'waits'), [(0.15, int(APPEAR / STEP)), (0.9, 0)])
def test_one_that_flashes_up_is_shown_when_it_stays_or_is_sure(score, waits):
    path = np.zeros((20, 2, 2))
    path[:5, 0] = HIDDEN
    scores = np.where(np.isfinite(path[..., 0]), [score, 0.9], 0)
    steady, shown = run(path, scores)
    first = int(np.isfinite(steady[:, 0, 0]).argmax())
    assert first == pytest.approx(5 + waits, abs=1) and not shown[:first, 0].any()
    path[6:, 0] = HIDDEN
    steady, _ = run(path, np.where(np.isfinite(path[..., 0]), [score, 0.9], 0))
    assert np.isfinite(steady[:, 0]).any() == (waits == 0)


def test_who_is_new_is_shown_at_once():
    steady, scores = run(np.full((1, 17, 2), 7.0), 0.11)
    assert (steady == 7).all() and scores == pytest.approx(0.11)


def test_another_person_and_one_after_a_gap_begin_anew():
    smoother = KeypointSmoother()
    run(np.zeros((10, 1, 2)), smoother=smoother)
    assert run(np.full((1, 1, 2), 9.0), smoother=smoother, start=0.4, person=2)[0][0, 0, 0] == 9
    assert run(np.full((1, 1, 2), 9.0), smoother=smoother, start=0.41)[0][0, 0, 0] < 9
    assert run(np.full((1, 1, 2), 40.0), smoother=smoother, start=0.5 + 2 * FORGET)[0][0, 0, 0] == 40


def test_time_that_goes_back_begins_anew_and_a_late_image_stays_as_it_is():
    smoother = KeypointSmoother()
    run(np.zeros((60, 1, 2)), smoother=smoother, start=10.0)
    late, _ = run(np.full((1, 1, 2), 9.0), smoother=smoother, start=11.5)
    assert late[0, 0, 0] == 9
    assert run(np.zeros((1, 1, 2)), smoother=smoother, start=12.0)[0][0, 0, 0] == 0, 'and leaves no trace'
    assert run(np.full((1, 1, 2), 9.0), smoother=smoother, start=1.0)[0][0, 0, 0] == 9


def test_who_has_no_id_stays_as_found():
    raw = noise((20, 3, 2))
    np.testing.assert_array_equal(run(raw, person=None)[0], raw)


def test_a_result_keeps_all_but_its_keypoints():
    def person(id, x):
        return Person(np.array([0, 0, 40, 90], np.float32), 0.9, np.full((17, 3), (x, 5, 0.8), np.float32), id)

    smoother = KeypointSmoother()
    smoother.smooth(PoseResult((person(3, 10), person(None, 20)), None, (64, 96)), 0.0)
    result = smoother.smooth(PoseResult((person(None, 30), person(3, 20)), None, (64, 96)), STEP)
    stranger, followed = result.people
    assert stranger.keypoints[0, 0] == 30 and 10 < followed.keypoints[0, 0] < 20
    assert followed.keypoints.dtype == np.float32 and followed.score == 0.9 and followed.id == 3
    assert smoother.smooth(PoseResult((), None, (64, 96)), 2 * STEP).people == ()
