"""A dataset in COCO layout as training takes it: every image that has people, their boxes, keypoints and mask."""

from __future__ import annotations

import math
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
    of every person that is not a crowd; ``crowds`` are the annotations of those that are. ``outlines`` are all
    annotations that have a segmentation, crowds included, if every person that is no crowd has one; where they are
    empty ``mask`` is a picture that serves in their place.
    """

    image: DatasetImage
    boxes: np.ndarray
    keypoints: np.ndarray
    crowds: tuple[dict[str, Any], ...]
    outlines: tuple[dict[str, Any], ...]
    mask: Path | None

    def read(self) -> np.ndarray:
        """The picture, ``(H, W, 3)`` RGB uint8. Raises DatasetError if it cannot be read."""
        return cv2.cvtColor(self.image.read(), cv2.COLOR_BGR2RGB)

    def read_mask(self) -> np.ndarray | None:
        """``(H, W)`` uint8, 255 on people, labelled or not; None where there are neither outlines nor a picture. A
        picture of more than two greys says how sure it is. Raises DatasetError."""
        size = self.image.height, self.image.width
        if self.outlines:
            people = person_mask(self.outlines, *size)
        elif self.mask is None:
            return None
        else:
            try:
                picture = cv2.imdecode(np.fromfile(self.mask, np.uint8), cv2.IMREAD_GRAYSCALE)
            except (OSError, cv2.error):  # the latter for an empty file
                picture = None
            if picture is None or picture.shape != size:
                raise DatasetError(f'{self.mask} is not a mask of the {size[1]}x{size[0]} pixels of {self.image.path}')
            if np.unique(picture).size > 2:
                return picture
            people = picture > 0
        return np.where(people, np.uint8(255), np.uint8(0))

    def read_crowds(self) -> np.ndarray:
        """``(H, W)`` uint8, 255 where a crowd is: its outline, or its box where it has none. Raises DatasetError."""
        outlined = [crowd for crowd in self.crowds if crowd.get('segmentation')]
        pixels = person_mask(outlined, self.image.height, self.image.width).astype(np.uint8) * np.uint8(255)
        for crowd in self.crowds:
            if not crowd.get('segmentation'):
                x, y, width, height = crowd['bbox']
                left, top = max(0, math.floor(x)), max(0, math.floor(y))
                pixels[top : math.ceil(y + height), left : math.ceil(x + width)] = 255
        return pixels


def labelled_images(dataset: PersonDataset, masks: str | Path | None = None) -> list[LabelledImage]:
    """Every image of ``dataset`` with a person that is not a crowd. ``masks`` is a folder of PNG masks, named as the
    images, for those whose people have no outlines.

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
        outlined = all(person.get('segmentation') for person in people)
        boxes = np.array([person['bbox'] for person in people], np.float32)
        boxes[:, 2:] += boxes[:, :2]
        keypoints = np.array([person['keypoints'] for person in people], np.float32).reshape(len(people), -1, 3)
        found.append(
            LabelledImage(
                image,
                boxes,
                keypoints,
                tuple(person for person in everybody if person['iscrowd']),
                tuple(person for person in everybody if person.get('segmentation')) if outlined else (),
                None if masks is None else Path(masks) / f'{image.path.stem}.png',
            )
        )
    if not found:
        raise DatasetError(f'{dataset.source}: no image has a person that is not a crowd')
    return found
