"""People as labels alone: boxes and keypoints of a dataset, without its images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from mpn_ros.coco import PersonDataset, read_dataset
from mpn_ros.errors import DatasetError
from mpn_ros.skeleton import COCO

# An .npz may lack sizes. Crops are relative to boxes: the size matters only to the half pixel between labels and edges.
_COMMON_SIZE = (640, 480)


@dataclass(frozen=True)
class LabelledPeople:
    """People of a dataset, in pixels of their images. P persons, K keypoints.

    image_id: ``(P,)`` int64, ascending. box: ``(P, 4)`` x0, y0, x1, y1.
    keypoints: ``(P, K, 3)`` x, y and COCO's visibility: 0 unlabelled, 1 hidden, 2 seen.
    """

    image_id: np.ndarray
    box: np.ndarray
    keypoints: np.ndarray

    def __len__(self) -> int:
        return len(self.image_id)

    def __getitem__(self, index: np.ndarray) -> LabelledPeople:
        return LabelledPeople(self.image_id[index], self.box[index], self.keypoints[index])

    def groups(self) -> list[np.ndarray]:
        """For each image the rows of its people."""
        return np.split(np.arange(len(self)), np.flatnonzero(np.diff(self.image_id)) + 1)

    def neighbours(self) -> np.ndarray:
        """``(P, Q)`` int32: for each person the rows of all people of the image, the person first, then -1."""
        groups = self.groups()
        table = np.full((len(self), max(map(len, groups))), -1, np.int32)
        for rows in groups:
            for turn, row in enumerate(rows):
                table[row, : len(rows)] = np.roll(rows, -turn)
        return table


def load_people(path: Path) -> LabelledPeople:
    """Reads a COCO person_keypoints JSON (``mpn_ros.coco``), or an ``.npz`` with ``image_id``, ``image_size`` and,
    normalised to the image, ``box`` (centre and size) and ``xy``, and ``visibility``; size 0 is unknown. People without
    keypoints and crowds are left out. Raises DatasetError."""
    people = _from_npz(path) if path.suffix == '.npz' else people_of(read_dataset(None, path, COCO))
    if people.keypoints.shape[1:] != (len(COCO), 3):
        raise DatasetError(f"'{path}' has {people.keypoints.shape[1]} keypoints a person in place of {len(COCO)}")
    people = people[np.flatnonzero((people.keypoints[..., 2] > 0).any(1))]
    if not len(people):
        raise DatasetError(f"'{path}' holds no person with keypoints")
    return people[np.argsort(people.image_id, kind='stable')]


def people_of(dataset: PersonDataset) -> LabelledPeople:
    """The persons of a dataset that are no crowd."""
    persons = [label for labels in dataset.annotations.values() for label in labels if not label['iscrowd']]
    box = np.array([person['bbox'] for person in persons], np.float32).reshape(-1, 4)
    box[:, 2:] += box[:, :2]
    keypoints = np.array([person['keypoints'] for person in persons], np.float32).reshape(len(persons), -1, 3)
    return LabelledPeople(np.array([person['image_id'] for person in persons], np.int64), box, keypoints)


def _from_npz(path: Path) -> LabelledPeople:
    try:
        with np.load(path) as data:
            size = np.where(data['image_size'] > 0, data['image_size'], _COMMON_SIZE).astype(np.float32)
            box, xy = data['box'], data['xy'] * size[:, None]
            corners = np.concatenate([box[:, :2] - box[:, 2:] / 2, box[:, :2] + box[:, 2:] / 2], 1) * np.tile(size, 2)
            keypoints = np.concatenate([xy, data['visibility'][..., None]], -1)
            return LabelledPeople(data['image_id'], corners.astype(np.float32), keypoints.astype(np.float32))
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise DatasetError(f"'{path}' is no .npz of labelled people: {error!r}") from error
