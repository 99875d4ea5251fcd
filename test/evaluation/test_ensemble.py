"""Several systems as one: what each found alone is kept, what both found is kept once."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip('pycocotools', reason='evaluation needs pycocotools: pip install pycocotools')
from mpn_ros.evaluation.ensemble import Ensemble
from mpn_ros.result import Person, PoseResult


def person(x: float, score: float, visible: bool = True) -> Person:
    keypoints = np.full((17, 3), (np.nan, np.nan, 0), np.float32)
    if visible:
        keypoints[:, 0], keypoints[:, 1], keypoints[:, 2] = x + np.linspace(0, 50, 17), np.linspace(0, 100, 17), 0.5
    return Person(np.array([x, 0, x + 50, 100], np.float32), score, keypoints)


def system(value: int, *people: Person):
    return lambda image, channel_order='rgb': PoseResult(people, np.full((2, 2), value, np.uint8))


def test_people_of_all_members_each_once_best_first_and_the_mask_of_the_first():
    mine, yours, other = person(0, 0.6), person(1, 0.9), person(300, 0.7)
    result = Ensemble([system(255, mine), system(0, yours, other)])(np.zeros((2, 2, 3), np.uint8))
    assert result.people == (yours, other)
    assert (result.mask == 255).all()


def test_a_person_without_keypoints_is_the_first_members_alone():
    """OKS cannot tell two such answers apart."""
    mine, yours = person(0, 0.3, visible=False), person(1, 0.4, visible=False)
    assert Ensemble([system(0, mine), system(0, yours)])(np.zeros((2, 2, 3), np.uint8)).people == (mine,)


def test_members_are_told_the_channel_order():
    orders = []

    def member(image, channel_order='rgb'):
        orders.append(channel_order)
        return PoseResult((), np.zeros((2, 2), np.uint8))

    Ensemble([member, member])(np.zeros((2, 2, 3), np.uint8), 'bgr')
    assert orders == ['bgr', 'bgr']
