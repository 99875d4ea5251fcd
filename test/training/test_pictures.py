"""The pictures beside the training."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

pytest.importorskip('pycocotools', reason='masks need pycocotools: pip install pycocotools')

from mpn_ros.network.multiposenet import MultiPoseNet  # noqa: E402
from mpn_ros.presets import preset  # noqa: E402
from mpn_ros.training.augment import Augmentation  # noqa: E402
from mpn_ros.training.dataset import PatchDataset  # noqa: E402
from mpn_ros.training.pictures import examples  # noqa: E402


@pytest.fixture(scope='module')
def network():
    torch.manual_seed(0)
    return MultiPoseNet(dataclasses.replace(preset('lite'), input_size=64)).eval()


def test_examples_show_patch_target_and_answer(learnt_figures, network):
    dataset = PatchDataset(learnt_figures.labelled(), 64, Augmentation(0, (1, 1), 0), network.preset)
    patches = [dataset[0, 0], dataset[0, 1]]
    picture = examples(network, patches)
    assert picture.shape == (2 * 64, 4 * 64, 3) and picture.dtype == np.uint8
    patch, target = picture[:64, :64], picture[:64, 64:128]
    x0, y0, x1, _ = patches[0]['boxes'][0].round().int().tolist()
    assert (patch[y0, x0:x1] == (255, 220, 0)).all(), 'the edge of the labelled box'
    row, column = np.unravel_index(patches[0]['heatmaps'][0].argmax(), (16, 16))
    assert target[4 * row + 2, 4 * column + 2, 0] > 200, 'a peak where the joint is'
