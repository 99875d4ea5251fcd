"""A dataset in COCO layout, a folder of images and one person_keypoints JSON, checked before anything runs on it."""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from mpn_ros.coco_orientation import reading
from mpn_ros.errors import DatasetError, ImageError
from mpn_ros.media import read_image
from mpn_ros.media.pillow import MAX_PIXELS
from mpn_ros.skeleton import COCO, SkeletonLayout, make_layout

_log = logging.getLogger(__name__)

OVERHANG = 2.0
"""Pixels by which a box may reach over the edge of its image: rounding, not a mistake."""


LONGEST_SIDE = 32767
"""Pixels of a side of an image; beyond them OpenCV cannot scale it."""
LARGEST = 1e12
"""A number in labels beyond which they are damaged."""


@dataclass(frozen=True)
class DatasetImage:
    """An image of the dataset: its id, its file, its size in pixels, whether everybody in it is labelled (``complete``,
    a field of ours), and whether the labels mean it turned ``upright`` as its EXIF orientation says."""

    id: int
    path: Path
    width: int
    height: int
    complete: bool = False
    upright: bool = False

    def read(self) -> np.ndarray:
        """``(height, width, 3)`` uint8, BGR. Raises DatasetError if it is damaged or not of the labelled size."""
        try:
            image = read_image(self.path, upright=self.upright)
        except ImageError as error:
            raise DatasetError(str(error)) from error
        if image.shape[:2] != (self.height, self.width):
            raise DatasetError(
                f'{self.path} has {image.shape[1]}x{image.shape[0]} pixels, but its labels '
                f'(image id {self.id}) say {self.width}x{self.height}'
            )
        return image


@dataclass(frozen=True)
class PersonDataset:
    """What the annotations file ``source`` holds: ``images`` in its order, and ``annotations`` of persons by image id,
    as COCO dicts with ``id``, ``bbox`` (x, y, width, height), ``area``, ``iscrowd``, ``keypoints`` (3K numbers, for the
    K of ``layout``), ``num_keypoints`` and, if the file has it, ``segmentation``."""

    source: Path
    layout: SkeletonLayout
    images: tuple[DatasetImage, ...]
    annotations: dict[int, list[dict[str, Any]]]

    def first(self, count: int | None) -> PersonDataset:
        """The first ``count`` images with their annotations; all of them for None."""
        return replace(self, images=self.images[:count])

    def annotations_of(self, image: DatasetImage) -> list[dict[str, Any]]:
        """All person annotations of the image, crowds included."""
        return self.annotations.get(image.id, [])


def read_dataset(
    images_dir: str | Path | None,
    annotations_file: str | Path,
    layout: SkeletonLayout | None = None,
    upright: bool | None = None,
) -> PersonDataset:
    """Reads and checks a dataset; of the images no more than size and orientation, until they are used. Without
    ``images_dir`` the labels stand alone: nobody looks for the images.

    layout: the keypoints that are wanted; None takes those that the category 'person' states (``keypoints``,
    ``skeleton``, and ``flip_pairs``, names that change places in the mirror beside ``left_x`` and ``right_x``), or
    COCO's where it states none.

    upright: whether labels mean an image turned as its EXIF orientation says, where their width and height fit both:
    None means as it is stored, as in COCO, with one warning that counts them. Where only one fits, that is meant.

    A person whose box has no width or no height, as there are a few in COCO, is left out with one warning for the file.
    A person without an area, or with one of 0, has that of its outline, or of its box, with one warning too.

    Raises DatasetError that names the file and the line or id: a file or folder that is missing, JSON that is broken,
    labels without images or persons, annotations of unknown images, boxes outside their image, other keypoints than
    ``layout``, poses of another number of keypoints.
    """
    annotations_file = Path(annotations_file)
    if images_dir is not None and not Path(images_dir).is_dir():
        raise DatasetError(f'the images folder {images_dir} is missing')
    content = _read_json(annotations_file)
    where = str(annotations_file)
    person = _person_category(content, where)
    layout = _layout(person, layout, where)
    images = [_image(entry, Path(images_dir or ''), where) for entry in content['images']]
    by_id = {image.id: image for image in images}
    if len(by_id) < len(images):
        raise DatasetError(f'{where}: two images share one id')
    annotations: dict[int, list[dict[str, Any]]] = defaultdict(list)
    empty, without_area = [], []
    for entry in content['annotations']:
        if isinstance(entry, dict) and entry.get('category_id') != person.get('id'):
            continue
        wrong, annotation = _annotation(entry, by_id, len(layout))
        if wrong:
            raise DatasetError(f'{where}: annotation {_id_of(entry)} {wrong}')
        if min(annotation['bbox'][2:]) <= 0:
            empty.append(annotation['id'])
        else:
            if not annotation.get('area'):
                without_area.append(annotation['id'])
                annotation['area'] = _area(annotation, by_id[annotation['image_id']], where)
            annotations[annotation['image_id']].append(annotation)
    if not annotations:
        raise DatasetError(f'{where} has no annotation of a person')
    if empty:
        _warn_once(
            f'{where}: {len(empty)} persons with an empty box are left out, the first of them annotation id {empty[0]}'
        )
    if without_area:
        _warn_once(
            f'{where}: {len(without_area)} persons have no area, the first of them annotation id '
            f'{without_area[0]}; their outline or their box gives it, by which OKS measures their keypoints'
        )
    missing = next((image for image in images if not image.path.is_file()), None)
    if images_dir is not None and missing is not None:
        raise DatasetError(f'{missing.path} (image id {missing.id} of {where}) is missing')
    if images_dir is not None:
        images = _oriented(images, where, upright)
    return PersonDataset(annotations_file, layout, tuple(images), dict(annotations))


@cache
def _warn_once(sentence: str) -> None:
    """A dataset is read again for each validation of a training."""
    _log.warning('%s', sentence)


def _oriented(images: Sequence[DatasetImage], where: str, upright: bool | None) -> list[DatasetImage]:
    """The images as their labels mean them."""
    readings = [reading(image.path, image.width, image.height, bool(upright)) for image in images]
    unsure = [image for image, how in zip(images, readings) if not how.sure]
    if unsure and upright is None:
        _warn_once(
            f'{where}: {len(unsure)} images have an EXIF orientation that the size in their labels does not '
            f'decide, the first of them {unsure[0].path}; they are read as stored (--exif stored), not as shown '
            '(--exif upright)'
        )
    return [replace(image, upright=True) if how.upright else image for image, how in zip(images, readings)]


def _area(annotation: dict[str, Any], image: DatasetImage, where: str) -> float:
    """The area of a person's outline, or of its box where it has none."""
    if annotation.get('segmentation'):
        from mpn_ros.coco_masks import person_mask  # needs pycocotools, which few datasets do

        try:
            outline = float(person_mask([annotation], image.height, image.width).sum())
        except DatasetError as error:
            raise DatasetError(f'{where}: {error}') from error
        if outline:
            return outline
    return float(annotation['bbox'][2] * annotation['bbox'][3])


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding='utf-8-sig'))  # Windows puts a mark before it
    except OSError as error:
        raise DatasetError(f'the annotations file {path} cannot be read: {error.strerror}') from error
    except UnicodeDecodeError as error:
        raise DatasetError(f'{path} is not JSON: byte {error.start} is not UTF-8') from error
    except json.JSONDecodeError as error:
        raise DatasetError(f'{path} is not JSON: line {error.lineno}, column {error.colno}: {error.msg}') from error
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, thousands of brackets
        raise DatasetError(f'{path} is no JSON of labels: {error}') from error
    for key in ('images', 'annotations', 'categories'):
        if not isinstance(content, dict) or not isinstance(content.get(key), list):
            raise DatasetError(f"{path} is not in COCO layout: it has no list '{key}'")
        if not content[key]:
            raise DatasetError(f"{path}: the list '{key}' is empty")
    return content


def _person_category(content: dict[str, Any], where: str) -> dict[str, Any]:
    for category in content['categories']:
        if isinstance(category, dict) and category.get('name') == 'person':
            return category
    raise DatasetError(f"{where} has no category 'person'")


def _layout(category: dict[str, Any], wanted: SkeletonLayout | None, where: str) -> SkeletonLayout:
    """The keypoints of the labels, which must be the wanted ones if both are known."""
    names: Sequence[str] = category.get('keypoints') or (wanted or COCO).names
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise DatasetError(f"{where}: the category 'person' does not describe its keypoints by a list of names")
    if wanted is None and tuple(names) != COCO.names:
        try:
            edges = [(first - 1, second - 1) for first, second in category.get('skeleton') or ()]
            return make_layout(names, edges, pairs=[(a, b) for a, b in category.get('flip_pairs') or ()])
        except (TypeError, ValueError, AttributeError, LookupError, OverflowError) as error:
            raise DatasetError(f"{where}: the category 'person' does not describe its keypoints: {error}") from error
    layout = wanted or COCO
    if tuple(names) != layout.names:
        raise DatasetError(
            f'{where} labels {len(names)} keypoints ({", ".join(names)}), but those of the weights are '
            f'{len(layout)} ({", ".join(layout.names)})'
        )
    return layout


def _image(entry: Any, images_dir: Path, where: str) -> DatasetImage:
    try:
        image = DatasetImage(
            _identity(entry['id']),
            images_dir / entry['file_name'],
            int(entry['width']),
            int(entry['height']),
            entry.get('complete', False),
        )
    except _NoIdentity as error:
        raise DatasetError(f'{where}: image {_id_of(entry)} {error}') from error
    except (TypeError, KeyError, ValueError, OverflowError) as error:
        raise DatasetError(f'{where}: image {_id_of(entry)} needs id, file_name, width and height') from error
    sides = image.width, image.height
    if not 1 <= min(sides) <= max(sides) <= LONGEST_SIDE or image.width * image.height > MAX_PIXELS:
        raise DatasetError(
            f'{where}: image {image.id} has a size of {image.width}x{image.height} pixels; sides must '
            f'be 1 to {LONGEST_SIDE}, and pixels {MAX_PIXELS} at most'
        )
    if not isinstance(image.complete, bool):
        raise DatasetError(f"{where}: 'complete' of image {image.id} must be true or false, not {image.complete!r}")
    return image


class _NoIdentity(Exception):
    """Says of something that is no id what an id is."""


def _identity(value: Any) -> int:
    """An id, which some tools write as text: a whole number all the same. Raises _NoIdentity."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
        return value
    if isinstance(value, str) and value.isdecimal() and len(value) < 19:
        return int(value)
    raise _NoIdentity('has an id that is no whole number; COCO knows no others, so number what the labels name')


def _id_of(entry: Any) -> str:
    named = isinstance(entry, dict) and 'id' in entry
    return f'id {entry["id"]!r:.60}' if named else f'without an id ({str(entry)[:60]})'


def _annotation(entry: Any, images: dict[int, DatasetImage], count: int) -> tuple[str, dict[str, Any]]:
    """What is wrong with an annotation (nothing: ''), and the annotation with COCO's optional fields filled in."""
    if not isinstance(entry, dict) or 'id' not in entry:
        return 'is not a COCO annotation', {}
    try:
        own, identity = _identity(entry['id']), entry.get('image_id')
        image = images.get(_identity(identity))
    except _NoIdentity as error:
        return str(error), {}
    if image is None:
        return f'is of image id {identity}, which is not in the list of images', {}
    box: Any = entry.get('bbox')
    area: Any = entry.get('area')
    if not _numbers(box, 4):
        return 'needs a bbox of four finite numbers', {}
    if area is not None and (not _numbers([area], 1) or area < 0):
        return f'has an area of {area!r}, which is no number of square pixels', {}
    x, y, width, height = box
    if min(width, height) < 0:
        return f'has a bbox {box} of negative size', {}
    if min(x, y) < -OVERHANG or x + width > image.width + OVERHANG or y + height > image.height + OVERHANG:
        return f'has a bbox {box} outside its image ({image.width}x{image.height})', {}
    keypoints = entry.get('keypoints', [0] * (3 * count))
    if not _numbers(keypoints, 3 * count):
        return f'needs {3 * count} finite numbers as its keypoints', {}
    labelled = sum(visibility > 0 for visibility in keypoints[2::3])
    return '', {
        **entry,
        'id': own,
        'image_id': image.id,
        'keypoints': keypoints,
        'num_keypoints': labelled,
        'iscrowd': int(bool(entry.get('iscrowd'))),
    }


def _numbers(values: Any, count: int) -> bool:
    return (
        isinstance(values, list)
        and len(values) == count
        and all(isinstance(value, (int, float)) and -LARGEST < value < LARGEST for value in values)
    )
