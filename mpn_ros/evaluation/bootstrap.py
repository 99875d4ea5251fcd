"""How sure a difference of AP is: a bootstrap over images (Efron and Tibshirani, 1993)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from pycocotools.cocoeval import COCOeval

_RECALL = np.linspace(0, 1, 101)


class ImageMatches:
    """What each image adds to the AP of an evaluation, so that AP can be asked of any choice of images.

    Args:
        evaluation: of pycocotools, as ``average_precision.matched`` returns it.
        size: whose AP: 'all', 'medium' or 'large', and for boxes 'small', or a name of the evaluation's own ``areas``.
        threshold: the one OKS or IoU whose AP is asked for; None for the mean of all of the evaluation.
    """

    def __init__(self, evaluation: COCOeval, size: str = 'all', threshold: float | None = None) -> None:
        labels, images = evaluation.params.areaRngLbl, evaluation.params.imgIds
        start = labels.index(size) * len(images)
        thresholds = np.asarray(evaluation.params.iouThrs)
        rows = np.arange(len(thresholds)) if threshold is None else np.flatnonzero(np.isclose(thresholds, threshold))
        self._images = [_one(image, rows) for image in evaluation.evalImgs[start : start + len(images)]]

    def __len__(self) -> int:
        return len(self._images)

    def average_precision(self, rows: Sequence[int] | np.ndarray | None = None) -> float:
        """AP 0..1, mean over the thresholds, of the images of these rows, each as often as it is named; of all where
        ``rows`` is None. NaN where nobody is in them."""
        chosen = self._images if rows is None else [self._images[row] for row in rows]
        people = sum(image[2] for image in chosen)
        if not people:
            return float('nan')
        scores = np.concatenate([image[0] for image in chosen])
        order = np.argsort(-scores, kind='mergesort')
        right, wrong = (np.concatenate([image[1][part] for image in chosen], 1)[:, order] for part in (0, 1))
        found = right.cumsum(1)
        precision = found / np.maximum(found + wrong.cumsum(1), 1)
        precision = np.maximum.accumulate(precision[:, ::-1], 1)[:, ::-1]
        sums = 0.0
        for reached, values in zip(found / people, precision):
            at = np.searchsorted(reached, _RECALL, side='left')
            sums += float(np.append(values, 0.0)[at.clip(max=len(values))].mean())
        return sums / len(precision)


def interval(
    statistic: Callable[[np.ndarray], float], count: int, draws: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """The ends of the 95 % interval of ``statistic`` over choices of ``count`` of as many images with repetition: it is
    given their rows."""
    random = np.random.default_rng(seed)
    low, high = np.nanpercentile([statistic(random.integers(count, size=count)) for _ in range(draws)], [2.5, 97.5])
    return float(low), float(high)


def difference_interval(
    ours: ImageMatches, theirs: ImageMatches, draws: int = 1000, seed: int = 0
) -> tuple[float, float, float]:
    """AP of ``ours`` less that of ``theirs`` on the same images, and the ends of its 95 % interval over choices of as
    many images with repetition."""

    def gain(rows: np.ndarray | None = None) -> float:
        return ours.average_precision(rows) - theirs.average_precision(rows)

    return gain(), *interval(gain, len(ours), draws, seed)


def _one(image: dict | None, rows: np.ndarray) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray], int]:
    """Scores ``(D,)``, whether each answer is right and whether it is wrong at the thresholds of these rows ``(T, D)``,
    and how many people are to be found."""
    if image is None:
        nothing = np.zeros((len(rows), 0), bool)
        return np.zeros(0), (nothing, nothing), 0
    matched, ignored = image['dtMatches'][rows] > 0, image['dtIgnore'][rows].astype(bool)
    people = int((np.asarray(image['gtIgnore']) == 0).sum())
    return np.asarray(image['dtScores'], float), (matched & ~ignored, ~matched & ~ignored), people
