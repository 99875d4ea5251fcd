"""Person scores that are probabilities: of the boxes with a score of 0.7, seven in ten are a person's.

Focal loss leaves scores that rank well and say little: it asks for less the surer the network is. Platt's scaling
(Advances in Large Margin Classifiers, 1999) mends that with two numbers: the score's logit y becomes
``scale * y + shift``, which goes into the weights of the last convolution, so that nothing is added at run time and the
ranking stays.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit

from mpn_ros.errors import DatasetError
from mpn_ros.evaluation.coco_eval import Answers

_IOU = 0.5
_LIMIT = 1e-6  # keeps the logit of 0 and 1 finite


class Judged(NamedTuple):
    """Boxes that were answered: ``(N,)`` image ids, scores 0..1, and whether each is a person's."""

    images: np.ndarray
    scores: np.ndarray
    right: np.ndarray


class Calibration(NamedTuple):
    """Two numbers that make probabilities of scores."""

    scale: float
    shift: float

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """The probabilities 0..1 of scores 0..1."""
        probability: np.ndarray = expit(self.scale * _logit(scores) + self.shift)
        return probability


def judge(answers: Answers) -> Judged:
    """Every box that was answered: it is right if it is the best one on a person, with an IoU of at least 0.5. Boxes on
    crowds are neither right nor wrong, and left out."""
    found = answers.matched('bbox', [_IOU])
    everyone = found.params.areaRng[0]
    images, scores, right = [], [], []
    for image in found.evalImgs:
        if image is None or image['aRng'] != everyone:
            continue
        asked = ~np.asarray(image['dtIgnore'][0], bool)
        scores.append(np.asarray(image['dtScores'])[asked])
        right.append(np.asarray(image['dtMatches'][0])[asked] > 0)
        images.append(np.full(asked.sum(), image['image_id']))
    if not images:
        return Judged(np.empty(0, int), np.empty(0), np.empty(0, bool))
    return Judged(np.concatenate(images), np.concatenate(scores), np.concatenate(right))


def fit(judged: Judged) -> Calibration:
    """The most likely calibration. Raises DatasetError where no box is right, none is wrong, or lower scores are right
    more often."""
    if judged.right.all() or not judged.right.any():
        raise DatasetError(
            f'a calibration needs boxes that are right and boxes that are not; {judged.right.sum()} of '
            f'{len(judged.right)} are right'
        )
    y, sign = _logit(judged.scores), 2.0 * judged.right - 1

    def loss(numbers: np.ndarray) -> float:
        return float(np.logaddexp(0, -sign * (numbers[0] * y + numbers[1])).mean())

    calibration = Calibration(*map(float, minimize(loss, [1.0, 0.0]).x))
    if calibration.scale <= 0:
        raise DatasetError(f'these {len(judged.right)} boxes are right the more often the lower their score is')
    return calibration


def cross_calibrated(judged: Judged) -> np.ndarray:
    """The probability ``(N,)`` of each box by the calibration of the other half of the images, so that nothing is
    judged by itself. Raises DatasetError as ``fit`` does."""
    first = np.isin(judged.images, np.unique(judged.images)[::2])
    probability = np.empty(len(judged.scores))
    for half in (first, ~first):
        probability[half] = fit(Judged(*(part[~half] for part in judged)))(judged.scores[half])
    return probability


def _logit(scores: np.ndarray) -> np.ndarray:
    finite: np.ndarray = logit(scores.clip(_LIMIT, 1 - _LIMIT))
    return finite
