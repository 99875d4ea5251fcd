"""The paper's network, `r50`: it learns, and what it has learnt runs in every backend."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import mpn_ros.backends as backends

pytest.importorskip('pycocotools', reason='masks need pycocotools: pip install pycocotools')

from mpn_ros.network.multiposenet import MultiPoseNet  # noqa: E402
from mpn_ros.presets import preset  # noqa: E402
from mpn_ros.training.augment import Augmentation  # noqa: E402
from mpn_ros.training.config import TrainingConfig  # noqa: E402
from mpn_ros.training.dataset import PatchDataset, collate  # noqa: E402
from mpn_ros.training.trainer import Trainer  # noqa: E402
from mpn_ros.weights import load_weights, save_weights  # noqa: E402


@pytest.fixture(scope='module')
def run(learnt_figures, tmp_path_factory):
    """After one step of the paper's first stage, with the loss of its batch before and after."""
    torch.manual_seed(0)
    r50 = preset('r50')
    dataset = PatchDataset(learnt_figures.labelled(), 64, Augmentation(0, (1, 1), 0), r50)
    config = TrainingConfig(stage='keypoints', epochs=1, batch=4, workers=0, bf16=False)
    run = Trainer(MultiPoseNet(r50), dataset, config, tmp_path_factory.mktemp('r50'))
    batch = collate([dataset[0, index] for index in range(4)])

    def loss():
        with torch.no_grad():
            return sum(run.criterion.train()([batch]).values()).item()

    before = loss()
    run.run()
    return run, before, loss()


def test_a_step_makes_the_loss_smaller(run):
    trainer, before, after = run
    assert trainer.step == 1 and after < before


@pytest.mark.parametrize('name', ['eager', 'openvino'])
def test_its_weights_run(run, tmp_path, name):
    if name == 'openvino':
        pytest.importorskip('openvino', reason='openvino is an extra and is not installed')
    trainer, *_ = run
    save_weights(tmp_path / 'r50.safetensors', preset('r50'), {'network': trainer.network.state_dict()})
    weights = load_weights(tmp_path / 'r50.safetensors')
    image = np.random.default_rng(0).integers(0, 255, (1, 64, 64, 3), np.uint8)
    seen = backends.make_backend(weights, name, 'cpu')(image)
    assert seen.person.shape == (1, 16, 16) and np.isfinite(seen.person).all()
    assert np.isfinite(seen.boxes).all() and seen.peaks.shape[1] == 17
