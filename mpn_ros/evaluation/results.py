"""Results of the pipeline as COCO results: what pycocotools is given to score."""

from __future__ import annotations

from typing import Any

import numpy as np

from mpn_ros.result import Person, PoseResult


def pose_score(person: Person) -> float:
    """How sure we are of a whole pose: the person's score times the mean score of the keypoints seen; 0 if none is.

    AP ranks the poses of all images by it, so a sure box around unsure keypoints must come after a sure pose.
    """
    seen = person.visible
    return float(person.score * person.keypoints[seen, 2].mean()) if seen.any() else 0.0


def keypoint_results(result: PoseResult, image_id: int) -> list[dict[str, Any]]:
    """The poses of a result; a keypoint that is not visible is 0, 0, 0, and a person with no keypoint at all is no
    pose.

    ``area`` is the box's: COCO sorts poses that match nobody into sizes by it, and the extent of the keypoints, which
    it takes otherwise, would reach to the corner of the image for every keypoint that is not visible.
    """
    return [
        {
            **_result(person, image_id, pose_score(person)),
            'keypoints': np.nan_to_num(person.keypoints).astype(float).ravel().tolist(),
        }
        for person in result.people
        if person.visible.any()
    ]


def box_results(result: PoseResult, image_id: int) -> list[dict[str, Any]]:
    """The boxes of a result with the detector's scores."""
    return [_result(person, image_id, float(person.score)) for person in result.people]


def _result(person: Person, image_id: int, score: float) -> dict[str, Any]:
    x0, y0, x1, y1 = (float(edge) for edge in person.box)
    return {
        'image_id': image_id,
        'bbox': [x0, y0, x1 - x0, y1 - y0],
        'area': (x1 - x0) * (y1 - y0),
        'iscrowd': 0,
        'score': score,
    }
