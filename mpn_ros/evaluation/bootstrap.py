"""How sure a difference of AP is: a bootstrap over images (Efron and Tibshirani, 1993)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pycocotools.cocoeval import COCOeval

_RECALL = np.linspace(0, 1, 101)


class ImageMatches:
    """What each image adds to the AP of an evaluation, so that AP can be asked of any choice of images.

    Args:
        evaluation: of pycocotools, as ``average_precision.matched`` returns it.
        size: whose AP: 'all', 'medium' or 'large', and for boxes 'small'.
    """

    def __init__(self, evaluation: COCOeval, size: str = 'all') -> None:
        labels, images = evaluation.params.areaRngLbl, evaluation.params.imgIds
        start = labels.index(size) * len(images)
        self._images = [
            _one(image, len(evaluation.params.iouThrs)) for image in evaluation.evalImgs[start : start + len(images)]
        ]

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


def difference_interval(
    ours: ImageMatches, theirs: ImageMatches, draws: int = 1000, seed: int = 0
) -> tuple[float, float, float]:
    """AP of ``ours`` less that of ``theirs`` on the same images, and the ends of its 95 % interval over choices of as
    many images with repetition."""
    random, count = np.random.default_rng(seed), len(ours)
    choices = [random.integers(count, size=count) for _ in range(draws)]
    differences = [ours.average_precision(rows) - theirs.average_precision(rows) for rows in choices]
    low, high = np.nanpercentile(differences, [2.5, 97.5])
    return ours.average_precision() - theirs.average_precision(), float(low), float(high)


def _one(image: dict | None, thresholds: int) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray], int]:
    """Scores ``(D,)``, whether each answer is right and whether it is wrong at each threshold ``(T, D)``, and how many
    people are to be found."""
    if image is None:
        nothing = np.zeros((thresholds, 0), bool)
        return np.zeros(0), (nothing, nothing), 0
    matched, ignored = image['dtMatches'] > 0, image['dtIgnore'].astype(bool)
    people = int((np.asarray(image['gtIgnore']) == 0).sum())
    return np.asarray(image['dtScores'], float), (matched & ~ignored, ~matched & ~ignored), people
