"""Results as JSON: one file for each image or video, one line for each frame, written as they come."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from mpn_ros.files import written_whole
from mpn_ros.result import Person, PoseResult
from mpn_ros.skeleton import COCO, SkeletonLayout


def result_record(result: PoseResult) -> dict[str, Any]:
    """Plain data: ``people``, each with ``id`` (None if nobody follows), ``box`` (x0, y0, x1, y1), ``score`` and
    ``keypoints`` (x, y, score, or None for a keypoint that is not visible), and ``mask`` as COCO's uncompressed run
    lengths, or None; ``windows``: how many windows the second look has seen.
    Positions in pixels are to 1/100, scores to 1/10000."""
    mask = None if result.mask is None else run_lengths(result.mask)
    return {'people': [person_record(person) for person in result.people], 'mask': mask, 'windows': result.windows}


def person_record(person: Person) -> dict[str, Any]:
    """``id``, ``box``, ``score`` and ``keypoints`` of one person, as in ``result_record``."""
    keypoints = [[round(x, 2), round(y, 2), round(score, 4)] for x, y, score in person.keypoints.astype(float).tolist()]
    return {
        'id': person.id,
        'box': [round(edge, 2) for edge in person.box.astype(float).tolist()],
        'score': round(float(person.score), 4),
        'keypoints': [keypoint if seen else None for keypoint, seen in zip(keypoints, person.visible, strict=True)],
    }


def run_lengths(mask: np.ndarray) -> dict[str, list[int]]:
    """``(H, W)``, non-zero on people, as COCO's RLE: ``size`` (H, W) and ``counts`` of pixels outside, inside, outside
    ..., column by column."""
    pixels = (mask != 0).ravel(order='F')
    changes = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    starts = np.concatenate([[0] if not pixels[0] else [0, 0], changes, [pixels.size]])
    return {'size': list(mask.shape), 'counts': np.diff(starts).tolist()}


class JsonWriter(AbstractContextManager['JsonWriter']):
    """A JSON file of results: ``source``, ``width`` and ``height`` of its images, ``keypoint_names``, and ``frames``,
    each with ``index``, ``time`` (seconds) and a ``result_record``. It appears under its name when it is complete: left
    by an exception, it leaves nothing behind. Raises OSError if it cannot be written."""

    def __init__(self, path: str | Path, source: str, width: int, height: int, layout: SkeletonLayout = COCO) -> None:
        self.path = Path(path)
        head = {'source': source, 'width': width, 'height': height, 'keypoint_names': layout.names}
        with ExitStack() as stack:
            self._file = stack.enter_context(stack.enter_context(written_whole(self.path)).open('w', encoding='utf-8'))
            self._file.write(json.dumps(head)[:-1] + ', "frames": [')
            self._whole = stack.pop_all()
        self._separator = '\n'

    def write(self, index: int, time: float, result: PoseResult) -> None:
        """Appends the result of frame ``index`` at ``time`` seconds."""
        self._file.write(
            self._separator + json.dumps({'index': index, 'time': round(time, 4), **result_record(result)})
        )
        self._separator = ',\n'

    def __exit__(self, kind: type[BaseException] | None, *exception: Any) -> None:
        if kind is not None:
            self._whole.__exit__(kind, *exception)
            return
        with self._whole:
            self._file.write('\n]}\n')
