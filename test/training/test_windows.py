"""Windows around persons: the person lies in them as the pipeline shows it, varied; a step mixes them with patches."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

pytest.importorskip('pycocotools', reason='masks need pycocotools: pip install pycocotools')

from mpn_ros.errors import ParameterError  # noqa: E402
from mpn_ros.pipeline.windows import WindowSettings, plan_windows  # noqa: E402
from mpn_ros.presets import preset  # noqa: E402
from mpn_ros.training import augment  # noqa: E402
from mpn_ros.training.augment import Augmentation, warp_image  # noqa: E402
from mpn_ros.training.dataset import collate_sizes  # noqa: E402
from mpn_ros.training.windows import WindowDataset, WindowSampling, window_matrix  # noqa: E402

STILL = Augmentation(0, (1, 1), 0)
EXACT = WindowSampling(scale=(1, 1), largest=100, shift=0)


def dataset(figures, sampling, augmentation=STILL, size=64):
    return WindowDataset(figures.labelled(), sampling, size, augmentation, preset('lite'), 0, 0, ())


@pytest.mark.parametrize('box', [(200, 100, 280, 300), (10, 20, 60, 140), (500, 300, 640, 480), (100, 100, 500, 180)])
def test_without_chance_a_window_is_the_pipelines(box):
    random = np.random.default_rng(0)
    image = np.kron(random.integers(0, 255, (24, 32, 3)), np.ones((20, 20, 1))).astype(np.uint8)  # 640 x 480
    corners = np.array(box, np.float32)
    settings = WindowSettings(shapes=((192, 192),), right=(0, 0))
    [window] = plan_windows((640, 480), np.append(corners, 1)[None], 1, 1, settings)
    matrix = window_matrix((640, 480), corners, EXACT, STILL, random)
    mine = warp_image(image, matrix, 192, (128, 128, 128)).astype(float)
    theirs = window.apply(image, 'rgb', 128).astype(float)
    assert np.abs(mine - theirs).mean() < 10  # they round to whole pixels of the image; one pixel beside it is 30
    moved = np.append(corners[:2], 1) @ matrix.T, np.append(corners[2:], 1) @ matrix.T
    np.testing.assert_allclose(np.concatenate(moved), window.boxes_to_input(corners), atol=2)


def test_size_place_and_turn_vary_within_their_bounds():
    box = np.array([300, 200, 340, 300], np.float32)
    sampling = WindowSampling(scale=(0.5, 2), largest=2.5, shift=0.1)
    plain = 0.9 * 192 / 100  # the box is high and fills as much as it may
    random, zooms, places = np.random.default_rng(0), [], []
    for _ in range(200):
        matrix = window_matrix((640, 480), box, sampling, Augmentation(30, (1, 1), 0.5), random)
        zooms.append(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
        places.append(matrix @ (320, 250, 1))
    assert 0.5 * plain <= min(zooms) < 0.6 * plain and max(zooms) == pytest.approx(2.5)
    assert np.abs(np.array(places) - 96).max() <= 0.1 * 192 * np.sqrt(2) + 1e-3 and np.std(places) > 5


def test_a_step_has_patches_of_some_images_and_windows_of_the_others(learnt_figures):
    data = dataset(learnt_figures, WindowSampling(count=3, whole=0.5, size=96))
    large, small = collate_sizes(data.__getitems__([(0, 0), (0, 1), (0, 2), (0, 3)]))
    assert large['image'].shape == (6, 96, 96, 3) and small['image'].shape == (2, 64, 64, 3)
    assert (large['peaks'] > 0).all() and len(large['boxes']) == 6


def test_everybody_with_keypoints_takes_turns(learnt_figures):
    data = dataset(learnt_figures, dataclasses.replace(EXACT, count=4, size=96))
    [one, *_] = data.images
    boxes = np.array([[5, 5, 25, 45], [60, 40, 90, 90], [30, 50, 50, 70]], np.float32)
    keypoints = np.concatenate([one.keypoints] * 3)
    keypoints[2] = 0  # whom no window is for
    data.images = [dataclasses.replace(one, boxes=boxes, keypoints=keypoints)]
    middles = [[tuple(((b[:2] + b[2:]) / 2).round().tolist()) for b in w['boxes']] for w in data.windows((0, 0))]
    centred = [int(np.argmin([np.hypot(x - 48, y - 48) for x, y in window])) for window in middles]
    assert sorted(centred) == [0, 0, 1, 1]


def test_windows_depend_on_seed_epoch_and_image_alone(learnt_figures):
    data = dataset(learnt_figures, WindowSampling(), Augmentation(30, (1, 1), 0.5, 0.2))
    first, again, later = (data.windows((epoch, 1))[0]['image'] for epoch in (0, 0, 1))
    assert (first == again).all() and (first != later).any()


def test_an_image_without_keypoints_shows_its_patch(learnt_figures):
    data = dataset(learnt_figures, WindowSampling(whole=0))
    [one, *_] = data.images
    data.images = [dataclasses.replace(one, keypoints=np.zeros_like(one.keypoints))]
    assert [len(item['image']) for item in data.__getitems__([(0, 0)])] == [64]


@pytest.mark.parametrize(
    ('wrong', 'sentence'),
    [
        ({'count': 0}, '--windows must be at least 1'),
        ({'whole': 1.5}, '--whole 0 to 1'),
        ({'scale': (2, 1)}, '--window-scale must be two numbers'),
        ({'size': 100}, '--window-size must be a multiple of 32, not 100'),
        ({'largest': 0}, '--window-zoom above 0'),
    ],
)
def test_wrong_settings_end_in_a_sentence(wrong, sentence):
    with pytest.raises(ParameterError, match=sentence):
        WindowSampling(**wrong)


def test_windows_go_without_views(learnt_figures):
    with pytest.raises(ParameterError, match='without --views'):
        WindowDataset(learnt_figures.labelled(), EXACT, 64, STILL, preset('lite'), 0, 2, ())


def test_windows_and_patches_of_close_ups_show_people_cut_off(learnt_figures, monkeypatch):
    monkeypatch.setattr(augment, '_SMALLEST_CLOSE_UP', 16)  # the figures are small
    sampling = WindowSampling(count=2, whole=0.0, size=96)
    plain, near = (dataset(learnt_figures, sampling, dataclasses.replace(STILL, close=close)) for close in (0.0, 1.0))
    assert near._whole(near.images[0], (0, 0)).image.size < plain._whole(plain.images[0], (0, 0)).image.size
    whole, cut = (int(sum(window['peaks'] for window in data.windows((0, 0)))) for data in (plain, near))
    assert 0 < cut < whole
    assert len(near.windows((0, 0))) == 2
    np.testing.assert_array_equal(near[0, 0]['image'], near[0, 0]['image'])
    assert near[0, 0]['peaks'] < plain[0, 0]['peaks']
