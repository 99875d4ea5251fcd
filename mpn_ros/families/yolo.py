"""YOLO-pose: v8 and 11, whose people are still to be suppressed, and 26 and exports with ``nms=True``, which do it
themselves.

Source: the ONNX files that the package ultralytics 8.4 writes, and what they say in their metadata ('kpt_shape',
'names', 'kpt_names', 'imgsz', 'stride'). Networks and package are AGPL-3.0, or under a licence that Ultralytics sells;
nothing of them is here.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mpn_ros.errors import WeightsError
from mpn_ros.families.base import Poses, Preprocessing, Traits
from mpn_ros.families.keypoints import names_of
from mpn_ros.families.signature import Signature
from mpn_ros.skeleton import COCO

_OVERLAP = 0.7  # the package's own
_BOX = 4  # x, y, width, height; the score of each class follows
_CORNERS = 6  # x0, y0, x1, y1, score, class


@dataclass(frozen=True)
class Form:
    """What both kinds share. ``person`` is the class that is meant, None for all; ``keypoints`` K and values of each, 2
    without a score."""

    traits: Traits
    classes: int
    person: int | None
    keypoints: tuple[int, int]

    def preprocess(self, images: np.ndarray) -> np.ndarray:
        """See ``Family``."""
        return self.traits.preprocessing(images)

    def _keypoints(self, values: np.ndarray) -> np.ndarray:
        """``(N, K * D)`` as ``(N, K, 3)``; where the network has no scores they are 1."""
        keypoints = values.reshape(len(values), *self.keypoints)
        if self.keypoints[1] == 2:
            keypoints = np.concatenate([keypoints, np.ones_like(keypoints[..., :1])], -1)
        return keypoints


class YoloPose(Form):
    """Rows of box, class scores and keypoints, a column for each cell."""

    form = 'YOLO-pose v8 and 11 (1x3xHxW in, 1x56xN out)'

    @classmethod
    def recognise(cls, signature: Signature) -> YoloPose | None:
        """See ``Family``."""
        classes, _, (keypoints, values) = facts = _facts(signature)
        fits = _gives(signature, _BOX + classes + keypoints * values, None)
        return cls(_traits('YOLO-pose', signature, keypoints, _OVERLAP), *facts) if fits else None

    def decode(self, outputs: Sequence[np.ndarray], size: tuple[int, int]) -> list[Poses]:
        """See ``Family``."""
        return [self._poses(rows.astype(np.float32)) for rows in outputs[0]]

    def _poses(self, rows: np.ndarray) -> Poses:
        scores = rows[_BOX : _BOX + self.classes]
        score = scores.max(0) if self.person is None else scores[self.person]
        middle, half = rows[:2], rows[2:4] / 2
        boxes = np.concatenate([middle - half, middle + half, score[None]]).T
        return Poses(boxes, self._keypoints(rows[_BOX + self.classes :].T))


class YoloEndToEnd(Form):
    """Rows of corners, score, class and keypoints, the best person first."""

    form = 'YOLO-pose 26, or exported with nms=True (1x3xHxW in, 1x300x57 out)'

    @classmethod
    def recognise(cls, signature: Signature) -> YoloEndToEnd | None:
        """See ``Family``."""
        _, _, (keypoints, values) = facts = _facts(signature)
        fits = _gives(signature, None, _CORNERS + keypoints * values)
        return cls(_traits('YOLO-pose, end to end', signature, keypoints, None), *facts) if fits else None

    def decode(self, outputs: Sequence[np.ndarray], size: tuple[int, int]) -> list[Poses]:
        """See ``Family``."""
        return [self._poses(rows.astype(np.float32)) for rows in outputs[0]]

    def _poses(self, rows: np.ndarray) -> Poses:
        if self.person is not None:
            rows = rows[rows[:, 5].round() == self.person]
        return Poses(rows[:, :5], self._keypoints(rows[:, _CORNERS:]))


def _gives(signature: Signature, rows: int | None, columns: int | None) -> bool:
    """Whether an image goes in and a matrix with so many rows or columns comes out."""
    if len(signature.inputs) != 1 or len(signature.outputs) != 1:
        return False
    shape = signature.outputs[0].shape or ()
    return (
        signature.inputs[0].like(None, 3, None, None)
        and len(shape) == 3
        and shape[1] == (rows or shape[1])
        and shape[2] == (columns or shape[2])
    )


def _facts(signature: Signature) -> tuple[int, int | None, tuple[int, int]]:
    """Number of classes, which of them is meant, keypoints and values of each, as the file has them; one class and
    COCO's where it says nothing, or those that the file beside it names."""
    names = _literal(signature, 'names', {0: 'person'})
    named = len([name for name in signature.metadata.get('keypoints', '').split(',') if name]) or len(COCO)
    keypoints = _literal(signature, 'kpt_shape', [named, 3])
    if len(keypoints) != 2 or keypoints[1] not in (2, 3) or not isinstance(keypoints[0], int):
        raise WeightsError(
            f"{signature.source} says 'kpt_shape' {keypoints}, not a number of keypoints and 2 or 3 values"
        )
    people = [number for number, name in names.items() if name == 'person']
    return len(names), people[0] if people and len(names) > 1 else None, (keypoints[0], keypoints[1])


def _traits(name: str, signature: Signature, keypoints: int, overlap: float | None) -> Traits:
    pre = Preprocessing(std=(255.0, 255.0, 255.0), dtype=signature.inputs[0].dtype)
    stated = next(iter(_literal(signature, 'kpt_names', {0: []}).values()))
    return Traits(
        name,
        names_of(signature, keypoints, stated),
        input_size=max(_literal(signature, 'imgsz', [640])),
        multiple=max(32, _literal(signature, 'stride', 32)),
        overlap=overlap,
        preprocessing=pre,
    )


def _literal(signature: Signature, key: str, default: Any) -> Any:
    """A value that ultralytics has written as Python does; ``default`` where there is none of its type."""
    try:
        value = ast.literal_eval(signature.metadata[key])
    except (KeyError, ValueError, SyntaxError, MemoryError, RecursionError):
        return default
    return value if type(value) is type(default) and value else default
