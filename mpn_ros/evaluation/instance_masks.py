"""AP of each person's own pixels by IoU (COCO's 'segm'), beside that of the mask of all people cut by their boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from pycocotools import mask as coco_mask

from mpn_ros.boxes import box_iou
from mpn_ros.coco import DatasetImage
from mpn_ros.coco_masks import encode_person
from mpn_ros.evaluation.average_precision import average_precision
from mpn_ros.evaluation.results import box_results
from mpn_ros.instances import in_box, pixel_costs
from mpn_ros.pipeline.pipeline import Thresholds
from mpn_ros.result import PoseResult

OVERLAPPING = 0.1
"""IoU of the boxes of two persons above which they overlap."""
SYSTEMS = 'instance_mask', 'mask_in_boxes'


@dataclass
class InstanceMasks:
    """The masks of single persons, image by image, as COCO annotations and results with compressed run lengths."""

    image_ids: list[int] = field(default_factory=list)
    truth: list[dict[str, Any]] = field(default_factory=list)
    results: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {system: [] for system in SYSTEMS})
    overlapping: list[bool] = field(default_factory=list)

    def add(self, result: PoseResult, image: DatasetImage, annotations: Sequence[dict[str, Any]]) -> None:
        """One image, its answer and its labels. Raises DatasetError for a malformed segmentation."""
        self.image_ids.append(image.id)
        self.overlapping += overlapping(annotations)
        self.truth += [
            {**label, 'image_id': image.id, 'segmentation': encode_person(label, image.height, image.width)}
            for label in annotations
        ]
        boxes = box_results(result, image.id)
        for system, masks in (('instance_mask', instance_runs(result)), ('mask_in_boxes', boxed_runs(result))):
            self.results[system] += [
                {**box, 'segmentation': mask, 'area': float(coco_mask.area(mask))}
                for box, mask in zip(boxes, masks, strict=True)
            ]

    def figures(self) -> dict[str, dict[str, dict[str, float | None]]]:
        """COCO's figures of each of ``SYSTEMS``: ``all`` people, and those ``overlapping`` another one."""
        # A size beyond all of COCO's: whoever matches such a person counts for nothing.
        lonely = [
            label if counts or label['iscrowd'] else {**label, 'area': np.inf}
            for label, counts in zip(self.truth, self.overlapping, strict=True)
        ]
        return {
            system: {
                'all': average_precision(self.image_ids, self.truth, results, 'segm'),
                'overlapping': average_precision(self.image_ids, lonely, results, 'segm'),
            }
            for system, results in self.results.items()
        }


def overlapping(annotations: Sequence[dict[str, Any]]) -> list[bool]:
    """Whose box overlaps that of another person who is no crowd; a crowd itself overlaps nobody."""
    boxes = np.array([label['bbox'] for label in annotations], np.float64).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    shared = box_iou(boxes, boxes)
    np.fill_diagonal(shared, 0)
    single = np.array([not label['iscrowd'] for label in annotations], bool)
    found = (shared * np.outer(single, single)) > OVERLAPPING
    return [bool(row.any()) for row in found]


def instance_runs(result: PoseResult) -> list[dict[str, Any]]:
    """The pixels of each person, as the node would publish them if its ``person_threshold`` were the person's score, or
    its default where the person is surer: COCO also ranks the faintest, who take no pixels of the sure."""
    assert result.mask is not None
    costs = pixel_costs(result.people, result.image_size, result.layout)
    sure = sum(person.score >= Thresholds().score_threshold for person in result.people)
    lowest = costs[:sure].min(0, initial=np.inf)  # of those who come before a person, and of all who are sure
    # Which cell is each pixel's, as OpenCV has it: people are many, and most of them small.
    rows, columns = (
        cv2.resize(np.arange(cells, dtype=np.float32)[None], (pixels, 1), interpolation=cv2.INTER_NEAREST)[0].astype(
            int
        )
        for cells, pixels in zip(lowest.shape, result.mask.shape, strict=True)
    )
    winner = costs[:sure].argmin(0) if sure else np.full(lowest.shape, -1)
    runs = []
    for index, (person, cost) in enumerate(zip(result.people, costs, strict=True)):
        y, x = in_box(person, result.mask.shape)
        if index < sure:
            won = winner == index
        else:
            won = cost < lowest
            np.minimum(lowest, cost, out=lowest)
        pixels = np.zeros(result.mask.shape, np.uint8, order='F')
        pixels[y, x] = won[np.ix_(rows[y], columns[x])] * result.mask[y, x]
        runs.append(coco_mask.encode(pixels))
    return runs


def boxed_runs(result: PoseResult) -> list[dict[str, Any]]:
    """What of the mask of all people is in each one's box."""
    assert result.mask is not None
    width, height = result.image_size
    everybody = coco_mask.encode(np.asfortranarray(result.mask))
    boxes = np.array([box['bbox'] for box in box_results(result, 0)], np.float64).reshape(-1, 4)
    encoded = coco_mask.frPyObjects(boxes, height, width) if len(boxes) else []
    return [coco_mask.merge([everybody, box], intersect=True) for box in encoded]
