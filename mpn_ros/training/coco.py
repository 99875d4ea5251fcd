"""Reads a dataset in the standard COCO layout: a folder of images and one person_keypoints JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mpn_ros.errors import DatasetError


@dataclass(frozen=True)
class LabelledImage:
    """One image and its people, in pixels of the image.

    boxes ``(P, 4)`` x0, y0, x1, y1 and keypoints ``(P, K, 3)`` x, y, visibility (0 not labelled, 1 hidden, 2 visible) of every person
    that is not a crowd. ``polygons`` are the COCO segmentations of all persons and crowds, ``mask`` a picture of the same; either may
    be missing.
    """

    identity: int
    path: Path
    size: tuple[int, int]  # width, height
    boxes: np.ndarray
    keypoints: np.ndarray
    polygons: tuple[Any, ...]
    mask: Path | None

    def read(self) -> np.ndarray:
        """The picture, ``(H, W, 3)`` RGB uint8. Raises DatasetError if it cannot be read."""
        image = cv2.imread(str(self.path), cv2.IMREAD_COLOR)
        if image is None:
            raise DatasetError(f'{self.path} (image id {self.identity}) cannot be read as a picture')
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)

    def read_mask(self) -> np.ndarray:
        """``(H, W)`` uint8, 255 on people, labelled or not; all 0 where the dataset has neither mask nor polygon."""
        if self.mask is not None:
            mask = cv2.imread(str(self.mask), cv2.IMREAD_GRAYSCALE)
            if mask is None:
                raise DatasetError(f'{self.mask} (image id {self.identity}) cannot be read as a mask')
            return np.where(mask > 0, np.uint8(255), np.uint8(0))
        width, height = self.size
        mask = np.zeros((height, width), np.uint8)
        for segmentation in self.polygons:
            if isinstance(segmentation, dict):
                mask[_decode_rle(segmentation)] = 255
            else:
                rings = [np.round(np.asarray(ring, np.float32).reshape(-1, 2)).astype(np.int32) for ring in segmentation]
                cv2.fillPoly(mask, rings, 255)
        return mask


def _decode_rle(segmentation: dict[str, Any]) -> np.ndarray:
    """COCO's uncompressed run lengths (column by column, zeros first) as a bool picture."""
    height, width = segmentation['size']
    values = np.arange(len(segmentation['counts'])) % 2 == 1
    return np.repeat(values, segmentation['counts']).reshape(width, height).T


def read_coco(images: str | Path, annotations: str | Path, masks: str | Path | None = None, *, keypoints: int = 17) -> list[LabelledImage]:
    """Every image that has at least one labelled person. ``masks`` is a folder of PNG masks named as the images.

    Raises DatasetError, naming the file and the line or id, for a missing folder or file, broken JSON, an annotation without its image,
    a wrong number of keypoints, a box outside its image, or when no person is left.
    """
    images, annotations = Path(images), Path(annotations)
    if not images.is_dir():
        raise DatasetError(f'{images} is not a folder of images')
    if masks is not None and not Path(masks).is_dir():
        raise DatasetError(f'{masks} is not a folder of masks')
    data = read_json(annotations)
    found = {}
    for record in data['images']:
        found[record['id']] = (record, [])
    for annotation in data['annotations']:
        if annotation['image_id'] not in found:
            raise DatasetError(f"{annotations}: annotation {annotation.get('id')} names image {annotation['image_id']}, which is not listed")
        found[annotation['image_id']][1].append(annotation)
    result = [_labelled_image(record, people, images, annotations, None if masks is None else Path(masks), keypoints)
              for record, people in found.values()]
    result = [item for item in result if len(item.boxes)]
    if not result:
        raise DatasetError(f'{annotations} has no image with a labelled person')
    return result


def read_json(path: Path) -> dict[str, Any]:
    """A COCO annotation file. Raises DatasetError with file and line if it is missing, broken, or lacks images or annotations."""
    try:
        data = json.loads(path.read_text())
    except OSError as error:
        raise DatasetError(f'{path} cannot be read: {error.strerror}') from error
    except ValueError as error:
        place = f' at line {error.lineno}' if isinstance(error, json.JSONDecodeError) else ''
        raise DatasetError(f'{path} is not valid JSON{place}') from error
    if not isinstance(data, dict) or not all(isinstance(data.get(key), list) for key in ('images', 'annotations')):
        raise DatasetError(f"{path} is not a COCO annotation file: it needs the lists 'images' and 'annotations'")
    return data


def _labelled_image(record: dict[str, Any], people: list[dict[str, Any]], images: Path, source: Path, masks: Path | None,
                    keypoints: int) -> LabelledImage:
    path = images / record['file_name']
    if not path.is_file():
        raise DatasetError(f"{source}: image {record['id']} is {path}, which does not exist")
    width, height = record['width'], record['height']
    boxes, poses = [], []
    for person in people:
        if person.get('iscrowd'):
            continue
        x, y, w, h = person['bbox']
        if w <= 0 or h <= 0 or x < -1 or y < -1 or x + w > width + 1 or y + h > height + 1:
            raise DatasetError(f"{source}: the box of annotation {person.get('id')} is empty or outside its {width}x{height} image")
        pose = person.get('keypoints') or [0] * (3 * keypoints)
        if len(pose) != 3 * keypoints:
            raise DatasetError(f"{source}: annotation {person.get('id')} has {len(pose)} keypoint numbers, not {3 * keypoints}")
        boxes.append((x, y, x + w, y + h))
        poses.append(pose)
    return LabelledImage(
        identity=record['id'], path=path, size=(width, height), boxes=np.asarray(boxes, np.float32).reshape(-1, 4),
        keypoints=np.asarray(poses, np.float32).reshape(-1, keypoints, 3),
        polygons=tuple(person['segmentation'] for person in people if person.get('segmentation')),
        mask=None if masks is None else masks / Path(record['file_name']).with_suffix('.png').name)
