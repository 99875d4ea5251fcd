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
    """Plain data: ``people``, each with ``id`` (None if nobody follows), ``box`` (x0, y0, x1, y1), ``score``,
    ``keypoints`` (x, y, score, or None for a keypoint that is not visible) and ``mask``, the person's own pixels;
    ``mask``, the pixels of all; ``windows``: how many windows the second look has seen.
    Masks are COCO's uncompressed run lengths, or None. Positions in pixels are to 1/100, scores to 1/10000."""
    people = [person_record(person) for person in result.people]
    if result.mask is None or result.instance_mask is None:
        return {'people': [{**person, 'mask': None} for person in people], 'mask': None, 'windows': result.windows}
    masks = run_lengths(result.instance_mask, len(people))
    return {
        'people': [{**person, 'mask': mask} for person, mask in zip(people, masks, strict=True)],
        'mask': run_lengths(result.mask != 0, 1)[0],
        'windows': result.windows,
    }


def person_record(person: Person) -> dict[str, Any]:
    """``id``, ``box``, ``score`` and ``keypoints`` of one person, as in ``result_record``."""
    keypoints = [[round(x, 2), round(y, 2), round(score, 4)] for x, y, score in person.keypoints.astype(float).tolist()]
    return {
        'id': person.id,
        'box': [round(edge, 2) for edge in person.box.astype(float).tolist()],
        'score': round(float(person.score), 4),
        'keypoints': [keypoint if seen else None for keypoint, seen in zip(keypoints, person.visible, strict=True)],
    }


def run_lengths(numbers: np.ndarray, count: int) -> list[dict[str, list[int]]]:
    """Where ``numbers`` ``(H, W)`` are 1, 2, ... ``count``, each as COCO's RLE: ``size`` (H, W) and ``counts`` of
    pixels outside, inside, outside ..., column by column."""
    pixels = numbers.ravel(order='F')
    edges = np.concatenate([[0], np.flatnonzero(pixels[1:] != pixels[:-1]) + 1, [pixels.size]])
    runs = []
    for number in range(1, count + 1):
        inside = np.flatnonzero(pixels[edges[:-1]] == number)
        changes = np.concatenate([[0], np.stack([edges[inside], edges[inside + 1]], 1).ravel(), [pixels.size]])
        counts = np.diff(changes).tolist()
        runs.append({'size': list(numbers.shape), 'counts': counts[:-1] if counts[-1] == 0 else counts})
    return runs


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
        """Appends the result of a frame.

        Args:
            index: The frame's, counted from 0.
            time: When it is shown, seconds.
            result: What was found in it.
        """
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
