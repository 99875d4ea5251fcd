"""How well a grouper assigns, measured on labels alone: COCO's keypoint AP of true or jittered boxes and keypoints
(Table 3)."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np
from pycocotools.coco import COCO as CocoDataset
from pycocotools.cocoeval import COCOeval

from mpn_ros.pipeline.crops import into_crop
from mpn_ros.pipeline.grouping import Grouper
from mpn_ros.training.prn_labels import LabelledPeople
from mpn_ros.training.prn_noise import AREA_OF_BOX, DetectorNoise, clutter, detected, jitter, twins


def grouping_ap(grouper: Grouper, people: LabelledPeople, noise: DetectorNoise, seed: int = 0) -> dict[str, float]:
    """COCO's keypoint AP (0..1) of a grouper that gets the people's boxes and keypoints with ``noise`` and has to say
    whose is whose: ``AP``, ``AP50``, ``AP75``, ``APm``, ``APl`` and ``AR``. A person's score is the mean of its
    keypoints'."""
    peaks, boxes = observed(people, noise, np.random.default_rng(seed))
    found = grouper(peaks, boxes)
    truth: list[dict[str, Any]] = []
    poses: list[dict[str, Any]] = []
    for image, (rows, keypoints) in enumerate(zip(people.groups(), found, strict=True)):
        for row, pose in zip(rows, keypoints):
            x0, y0, x1, y1 = people.box[row].tolist()
            area = (x1 - x0) * (y1 - y0) * AREA_OF_BOX
            labels = people.keypoints[row]
            truth.append({'id': len(truth) + 1, 'image_id': image, 'category_id': 1, 'iscrowd': 0, 'area': area,
                          'bbox': [x0, y0, x1 - x0, y1 - y0], 'keypoints': labels.ravel().tolist(),
                          'num_keypoints': int((labels[:, 2] > 0).sum())})
            poses.append({'image_id': image, 'category_id': 1, 'keypoints': np.nan_to_num(pose).ravel().tolist(),
                          'score': float(pose[:, 2].mean())})
    dataset = CocoDataset()
    with contextlib.redirect_stdout(io.StringIO()):
        dataset.dataset = {'images': [{'id': image} for image in range(len(found))], 'annotations': truth,
                           'categories': [{'id': 1, 'name': 'person'}]}
        dataset.createIndex()
        evaluation = COCOeval(dataset, dataset.loadRes(poses), 'keypoints')
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return {name: float(value) for name, value in zip(('AP', 'AP50', 'AP75', 'APm', 'APl', 'AR'), evaluation.stats)}


def observed(people: LabelledPeople, noise: DetectorNoise,
             random: np.random.Generator) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """What detectors with ``noise`` find in each image of ``people``: peaks ``(K, N, 3)`` and boxes ``(M, 4)``, as
    groupers take them."""
    boxes = jitter(people.box, noise, random)
    points = detected(people, noise, random)[:, :, None]
    weak = clutter(into_crop(points, people.box), noise, random)
    corner, size = people.box[:, None, None, :2], (people.box[:, 2:] - people.box[:, :2])[:, None, None]
    weak[..., :2] = weak[..., :2] * size + corner - .5
    peaks = np.concatenate([points, twins(points, noise, random), weak], 2)
    groups = people.groups()
    return [np.concatenate(list(peaks[rows]), 1) for rows in groups], [boxes[rows] for rows in groups]
