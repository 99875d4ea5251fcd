"""A dataset to learn by heart: a few pictures with a bright figure each, whose keypoints are marked by colour."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from mpn_ros.coco import read_dataset
from mpn_ros.skeleton import COCO

if TYPE_CHECKING:
    from mpn_ros.training.coco import LabelledImage

SIDE = 96


@dataclass
class Figures:
    """A folder of pictures of 96 pixels, their labels, and the latter's content."""

    images: Path
    annotations: Path
    content: dict[str, Any]

    def save(self) -> None:
        """Writes ``content`` as it is now."""
        self.annotations.write_text(json.dumps(self.content))

    def labelled(self) -> list[LabelledImage]:
        """As training takes them."""
        from mpn_ros.training.coco import labelled_images

        return labelled_images(read_dataset(self.images, self.annotations))


def make_figures(folder: Path, count: int = 4, keypoints: tuple[str, ...] = COCO.names) -> Figures:
    """Grey figures of 32 x 48 pixels on noise, with the keypoints in five columns. Skips where their outlines
    cannot be read: here and not above, since a skip there is an error where pytest is given this folder alone."""
    pytest.importorskip('pycocotools', reason='masks need pycocotools: pip install pycocotools')
    random = np.random.default_rng(0)
    figures = Figures(folder / 'images', folder / 'labels.json', {
        'images': [], 'annotations': [],
        'categories': [{'id': 1, 'name': 'person', 'keypoints': list(keypoints), 'skeleton': [[1, 2]]}]})  # fmt: skip
    figures.images.mkdir(parents=True)
    for number in range(count):
        picture = random.integers(0, 60, (SIDE, SIDE, 3), np.uint8)
        x, y = random.integers(10, 40, 2).tolist()
        picture[y : y + 48, x : x + 32] = 120
        values: list[float] = []
        for keypoint in range(len(keypoints)):
            point = x + 3 + 6 * (keypoint % 5), y + 4 + 11 * (keypoint // 5)
            cv2.circle(picture, point, 2, (255, 15 * keypoint, 255 - 15 * keypoint), -1)
            values += [*point, 2]
        cv2.imwrite(str(figures.images / f'{number}.png'), picture)
        figures.content['images'].append({'id': number, 'file_name': f'{number}.png', 'width': SIDE, 'height': SIDE})
        figures.content['annotations'].append({
            'id': 100 + number, 'image_id': number, 'category_id': 1, 'iscrowd': 0, 'bbox': [x, y, 32, 48],
            'area': 32 * 48, 'num_keypoints': len(keypoints), 'keypoints': values,
            'segmentation': [[x, y, x + 32, y, x + 32, y + 48, x, y + 48]]})  # fmt: skip
    figures.save()
    return figures


@pytest.fixture(scope='session')
def learnt_figures(tmp_path_factory: pytest.TempPathFactory) -> Figures:
    """Four of them, that no test may change."""
    return make_figures(tmp_path_factory.mktemp('figures'))


@pytest.fixture
def figures(tmp_path: Path) -> Figures:
    """Six of them, for a test to spoil."""
    return make_figures(tmp_path / 'figures', 6)


@pytest.fixture
def door_figures(tmp_path: Path) -> Figures:
    """Four of them, with keypoints that are not COCO's."""
    return make_figures(tmp_path / 'doors', keypoints=('knob', 'left_hinge', 'right_hinge'))
