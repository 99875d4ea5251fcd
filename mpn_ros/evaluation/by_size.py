"""How well people are seen, by their size in the network's input."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mpn_ros.evaluation.coco_eval import Answers

EDGES = (16, 20, 25, 30, 40, 50, 60, 75, 90, 110, 130, 160, 200, 260, 400)
"""Between which sizes people are counted together, in pixels of the network's input."""


def oks_by_size(answers: Answers, input_size: int) -> list[tuple[float, float]]:
    """For every labelled person with keypoints, the size in an input whose long side is ``input_size`` (the square root
    of the area, pixels), and the OKS of the pose that is nearest to theirs; 0 where there is none."""
    evaluation, seen = answers.keypoints, []
    for image in answers.dataset.images:
        scale = input_size / max(image.width, image.height)
        truth = evaluation._gts[image.id, 1]
        if not truth:
            continue
        similarity = np.asarray(evaluation.ious[image.id, 1]).reshape(-1, len(truth))
        for column, person in enumerate(truth):
            if person['num_keypoints'] and not person['iscrowd']:
                best = float(similarity[:, column].max(initial=0))
                seen.append((scale * float(np.sqrt(person['area'])), best))
    return seen


def mean_by_size(seen: Sequence[tuple[float, float]]) -> list[dict[str, float]]:
    """Rows of ``from``, ``to``, ``people`` and the mean ``oks`` for each class of ``EDGES`` that somebody is in."""
    sizes, oks = np.array(seen, float).reshape(-1, 2).T
    rows: list[dict[str, float]] = []
    for low, high in zip(EDGES, EDGES[1:]):
        inside = (low <= sizes) & (sizes < high)
        if inside.any():
            oks_there = round(float(oks[inside].mean()), 4)
            rows.append({'from': low, 'to': high, 'people': int(inside.sum()), 'oks': oks_there})
    return rows
