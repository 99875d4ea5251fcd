"""A dataset in COCO layout as training takes it: every image that has people, their boxes, joints and mask."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mpn_ros.coco import DatasetImage, PersonDataset
from mpn_ros.coco_masks import person_mask
from mpn_ros.errors import DatasetError


@dataclass(frozen=True)
class LabelledImage:
    """One image and its people, in pixels of the image.

    boxes ``(P, 4)`` x0, y0, x1, y1 and keypoints ``(P, K, 3)`` x, y, visibility (0 not labelled, 1 hidden, 2 visible)
    of every person that is not a crowd. ``segmentations`` are the annotations that have one, crowds included; ``mask``
    is a picture that serves in their place.
    """

    image: DatasetImage
    boxes: np.ndarray
    keypoints: np.ndarray
    segmentations: tuple[dict[str, Any], ...]
    mask: Path | None

    def read(self) -> np.ndarray:
        """The picture, ``(H, W, 3)`` RGB uint8. Raises DatasetError if it cannot be read."""
        return cv2.cvtColor(self.image.read(), cv2.COLOR_BGR2RGB)

    def read_mask(self) -> np.ndarray:
        """``(H, W)`` uint8, 255 on people, labelled or not; all 0 where there is neither mask nor segmentation. A
        picture of more than two greys says how sure it is."""
        size = self.image.height, self.image.width
        if self.mask is None:
            people = person_mask(self.segmentations, *size)
        else:
            picture = cv2.imread(str(self.mask), cv2.IMREAD_GRAYSCALE)
            if picture is None or picture.shape != size:
                raise DatasetError(f'{self.mask} is not a mask of the {size[1]}x{size[0]} pixels of {self.image.path}')
            if np.unique(picture).size > 2:
                return picture
            people = picture > 0
        return np.where(people, np.uint8(255), np.uint8(0))


def labelled_images(dataset: PersonDataset, masks: str | Path | None = None) -> list[LabelledImage]:
    """Every image of ``dataset`` with a person that is not a crowd. ``masks`` is a folder of PNG masks, named as the
    images.

    Raises DatasetError if there is no such folder, or nobody but crowds.
    """
    if masks is not None and not Path(masks).is_dir():
        raise DatasetError(f'{masks} is not a folder of masks')
    found = []
    for image in dataset.images:
        everybody = dataset.annotations_of(image)
        people = [person for person in everybody if not person['iscrowd']]
        if not people:
            continue
        boxes = np.array([person['bbox'] for person in people], np.float32)
        boxes[:, 2:] += boxes[:, :2]
        keypoints = np.array([person['keypoints'] for person in people], np.float32).reshape(len(people), -1, 3)
        found.append(
            LabelledImage(
                image,
                boxes,
                keypoints,
                tuple(person for person in everybody if person.get('segmentation')),
                None if masks is None else Path(masks) / f'{image.path.stem}.png',
            )
        )
    if not found:
        raise DatasetError(f'{dataset.source}: no image has a person that is not a crowd')
    return found
