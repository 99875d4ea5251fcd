"""Precision against recall by the size of people (Fig. 5), and where average precision is lost; read from
pycocotools' arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from pycocotools.cocoeval import COCOeval

NEAR = 0.1
"""The OKS or IoU from which an answer is at least about this person, after Hoiem et al., Diagnosing Error in Object
Detectors (ECCV 2012), as COCO's own analysis of detectors uses it."""


class Curves(NamedTuple):
    """Precision of one size of people: ``precision`` (T, R) at each of the ``thresholds`` (T,) and ``recall`` (R,)."""

    thresholds: np.ndarray
    recall: np.ndarray
    precision: np.ndarray


class Losses(NamedTuple):
    """What becomes of the whole 1.0 of AP for one size of people; the parts add up to it.

    ap: what is reached, at thresholds .5 to .95. loose: lost to the thresholds above .5, the right person imprecisely.
    far: lost between ``NEAR`` and .5, the right person mostly wrong. false_alarms: lost to answers about nobody, or a
    second time about somebody, that are ranked above right ones. missed: people that no answer is about.
    """

    ap: float
    loose: float
    far: float
    false_alarms: float
    missed: float


def precision_recall(evaluation: COCOeval) -> dict[str, Curves]:
    """The curves of each size ('all', 'small', 'medium', 'large') that has truth, with the most answers an image that
    are allowed."""
    params, precision = evaluation.params, evaluation.eval['precision'][:, :, 0, :, -1]
    return {
        size: Curves(params.iouThrs, params.recThrs, precision[..., index])
        for index, size in enumerate(params.areaRngLbl)
        if (precision[..., index] >= 0).all()
    }


def losses(evaluation: COCOeval, near: COCOeval) -> dict[str, Losses]:
    """The losses of each size that has truth. evaluation: at COCO's thresholds; near: the same answers at ``NEAR``
    alone."""
    found = {}
    recall = near.eval['recall'][0, 0, :, -1]
    lenient = precision_recall(near)
    for size, curves in precision_recall(evaluation).items():
        reached = float(curves.precision.mean())
        half = float(curves.precision[0].mean())
        about = float(lenient[size].precision.mean())
        seen = float(recall[near.params.areaRngLbl.index(size)])
        found[size] = Losses(reached, half - reached, about - half, seen - about, 1 - seen)
    return found
