"""What several rooms test with; and a test run keeps its middleware to itself: other nodes on the network or in a run
beside this one are not heard."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from mpn_ros.result import Person, PoseResult
from mpn_ros.testing.domain import reserve_domain

pytest_plugins = ['robot', 'tiny_networks']

# Before any test imports rclpy; the processes that tests start inherit it.
_domain, _lock = reserve_domain()
os.environ['ROS_DOMAIN_ID'] = str(_domain)
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'

SLOW = (
    'backends/',
    'benchmark/',
    'commands/',
    'evaluation/',
    'packaging/',
    'reliability/',
    'training/',
    'pipeline/test_pipeline.py::test_the_real_parts_fit_together_for_every_grouper',
    'pipeline/test_pipeline.py::test_a_start_does_not_wait_for_the_compiler_of_pytorch',
    'pipeline/test_device_letterbox.py',
    'pipeline/test_without_torch.py',
    'bag/test_convert.py::test_killed_it_leaves_nothing_that_breaks_the_next',
    'bag/test_storage.py::test_a_full_disk_is_a_sentence_and_leaves_nothing',
    'tracking/test_tracker.py::test_ten_minutes_with_swapped_neighbours_have_the_ids_of_the_unswapped',
    'view/test_page.py',
    'test_cli.py::test_a_reader_that_has_read_enough_is_no_error',
    'test_code.py::test_mypy_finds_nothing',
    'test_examples.py',
    'test_package.py',
    'test_readme.py',
)
"""Rooms that compile, train, evaluate or install, and tests that took as long as a hundred others: marked slow."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.removeprefix('test/').startswith(SLOW):
            item.add_marker('slow')


@pytest.fixture
def ros_domain() -> Iterator[int]:
    """A ROS domain for one test: what is left of a node that has just gone can hide a service of the same name."""
    domain, lock = reserve_domain()
    with lock:
        yield domain


@pytest.fixture(scope='session', autouse=True)
def _heard_loggers() -> None:
    """`launch`, once imported, gives new loggers a class that hands on nothing, so that `caplog` would hear none."""
    logging.setLoggerClass(logging.Logger)
    for name in [name for name in logging.root.manager.loggerDict if name.partition('.')[0] == 'mpn_ros']:
        logging.getLogger(name).propagate = True


@pytest.fixture(scope='session', autouse=True)
def _private_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Compiled graphs of a test run go nowhere near those of the user."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('XDG_CACHE_HOME', str(tmp_path_factory.mktemp('cache')))
        yield


@pytest.fixture(autouse=True)
def _loggers_hand_on(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the library logs comes to ``caplog``. Loggers that are made once ``launch`` was imported are of its class,
    and those hand nothing on."""
    for name, logger in logging.root.manager.loggerDict.items():
        if name.startswith('mpn_ros') and isinstance(logger, logging.Logger):
            monkeypatch.setattr(logger, 'propagate', True)
    before = logging.getLoggerClass()
    logging.setLoggerClass(logging.Logger)
    yield
    logging.setLoggerClass(before)


SIZE = 200, 160  # width, height


@dataclass
class SmallDataset:
    """Grey images in COCO layout, told apart by their grey value, with the results that a perfect pipeline finds."""

    images: Path
    annotations: Path
    content: dict[str, Any]
    results: dict[int, PoseResult] = field(default_factory=dict)

    def save(self) -> None:
        """Writes ``content`` as it is now."""
        self.annotations.write_text(json.dumps(self.content))

    def oracle(self, image: np.ndarray, channel_order: str = 'rgb') -> PoseResult:
        """The perfect pipeline."""
        return self.results[int(image[0, 0, 0])]


def _person(box: tuple[float, float, float, float], random: np.random.Generator) -> Person:
    x0, y0, x1, y1 = box
    keypoints = np.empty((17, 3), np.float32)
    keypoints[:, 0] = np.rint(random.uniform(x0, x1 - 1, 17))
    keypoints[:, 1] = np.rint(random.uniform(y0, y1 - 1, 17))
    keypoints[:, 2] = 1
    return Person(np.array(box, np.float32), 0.9, keypoints)


@pytest.fixture
def small_dataset(tmp_path: Path) -> SmallDataset:
    """Three images: two people of medium size, a large one, nobody. Each person fills its box, in its polygon too."""
    random = np.random.default_rng(0)
    width, height = SIZE
    boxes = {10: [(10, 20, 60, 100), (100, 30, 150, 120)], 20: [(20, 10, 180, 150)], 30: []}
    dataset = SmallDataset(
        tmp_path / 'images',
        tmp_path / 'labels.json',
        {'images': [], 'annotations': [], 'categories': [{'id': 1, 'name': 'person'}]},
    )
    dataset.images.mkdir()
    for grey, people_boxes in boxes.items():
        cv2.imwrite(str(dataset.images / f'{grey}.png'), np.full((height, width, 3), grey, np.uint8))
        dataset.content['images'].append({'id': grey, 'file_name': f'{grey}.png', 'width': width, 'height': height})
        people = tuple(_person(box, random) for box in people_boxes)
        mask = np.zeros((height, width), np.uint8)
        for (x0, y0, x1, y1), person in zip(people_boxes, people, strict=True):
            mask[y0:y1, x0:x1] = 255
            labels = person.keypoints.copy()
            labels[:, 2] = 2
            # Ids from 0, as some labelling tools count.
            dataset.content['annotations'].append(
                {
                    'id': len(dataset.content['annotations']),
                    'image_id': grey,
                    'category_id': 1,
                    'iscrowd': 0,
                    'bbox': [x0, y0, x1 - x0, y1 - y0],
                    'area': (x1 - x0) * (y1 - y0),
                    'num_keypoints': 17,
                    'keypoints': labels.astype(float).ravel().tolist(),
                    'segmentation': [[x0, y0, x1, y0, x1, y1, x0, y1]],
                }
            )
        dataset.results[grey] = PoseResult(people, mask)
    dataset.save()
    return dataset


@pytest.fixture(scope='module')
def browser() -> Iterator[Any]:
    """A headless Chromium, driven by playwright, whose event loop runs as long as it does."""
    playwright = pytest.importorskip('playwright.sync_api', reason='playwright is not installed here')
    chromium = shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome')
    if chromium is None:
        pytest.skip('there is no Chromium here: apt install chromium')
    with playwright.sync_playwright() as driver:
        # Root, as in a container, has no sandbox; the pages are ours.
        browser = driver.chromium.launch(executable_path=chromium, args=['--no-sandbox'])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page of the browser; the test fails on an error in the page's own script."""
    errors: list[Any] = []
    page = browser.new_page(viewport={'width': 1000, 'height': 700})
    page.on('pageerror', lambda error: errors.append(error))
    yield page
    page.close()
    assert not errors
