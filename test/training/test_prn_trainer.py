"""Training of the PRN: it learns who is who, and a killed run goes on as if it had not been."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip('pycocotools', reason='masks need pycocotools: pip install pycocotools')

from mpn_ros.errors import WeightsError  # noqa: E402
from mpn_ros.evaluation.grouping import grouping_figures  # noqa: E402
from mpn_ros.evaluation.grouping_input import simulated  # noqa: E402
from mpn_ros.network.prn import PoseResidualNetwork  # noqa: E402
from mpn_ros.pipeline.grouping import MaxGrouper, PRNGrouper  # noqa: E402
from mpn_ros.presets import PRNConfig  # noqa: E402
from mpn_ros.training.prn_data import CropSampler  # noqa: E402
from mpn_ros.training.prn_labels import LabelledPeople  # noqa: E402
from mpn_ros.training.prn_noise import EXACT  # noqa: E402
from mpn_ros.training.prn_trainer import LOSSES, PRNTrainer, PRNTraining  # noqa: E402

CONFIG = PRNConfig(height=14, width=9, nodes=24, blur=0.5, dropout=0.1, rectify=False, box_margin=0.1)


def couples(images: int, seed: int) -> LabelledPeople:
    """Two people an image whose boxes overlap by half; all stand alike, so that a pose tells whose a keypoint is."""
    random = np.random.default_rng(seed)
    pose = np.random.default_rng(99).uniform(0.1, 0.9, (17, 2))
    size = np.float32([100, 200])
    corner = random.uniform(50, 150, (images, 1, 2)) + [[0, 0], [40, 20]]
    keypoints = corner[:, :, None] + (pose + random.normal(0, 0.02, (images, 2, 17, 2))) * size
    box = np.concatenate([corner, corner + size], -1).reshape(-1, 4)
    visible = np.full((2 * images, 17, 1), 2)
    return LabelledPeople(
        np.repeat(np.arange(images), 2),
        box.astype(np.float32),
        np.concatenate([keypoints.reshape(-1, 17, 2), visible], -1).astype(np.float32),
    )


def trainer(folder: Path, config: PRNConfig = CONFIG, **training: object) -> PRNTrainer:
    torch.manual_seed(0)
    settings = PRNTraining(**{'epochs': 3, 'batch': 32, 'learning_rate': 0.01, **training})
    sampler = CropSampler(couples(64, seed=0), config.box_margin, EXACT, flip=False)
    return PRNTrainer(PoseResidualNetwork(config), sampler, settings, folder / 'checkpoint.pt')


@pytest.mark.parametrize('loss', LOSSES)
def test_it_learns_who_is_who(tmp_path: Path, loss: str) -> None:
    run = trainer(tmp_path, loss=loss, epochs=25)
    losses: list[float] = []
    run.run(lambda epoch, value: losses.append(value))
    assert len(losses) == 25
    assert losses[-1] < 0.7 * losses[0]
    unseen = simulated(couples(40, seed=1), EXACT)
    learnt = grouping_figures(PRNGrouper(run.prn), unseen)['all']['AP']
    assert learnt > 0.95
    assert learnt > grouping_figures(MaxGrouper(0.1), unseen)['all']['AP'] + 0.2


class _Killed(Exception):
    pass


def test_a_killed_run_goes_on_as_if_it_had_not_been(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed in the middle of an epoch, just after a checkpoint and one lost step."""
    whole = trainer(tmp_path / 'whole')
    whole.run()

    monkeypatch.setattr('mpn_ros.training.prn_trainer._CHECKPOINT_SECONDS', -1)
    killed = trainer(tmp_path / 'killed')
    train_on = killed._train_on

    def until_killed(rows: np.ndarray) -> float:
        if killed.step == 6:
            raise _Killed
        return train_on(rows)

    monkeypatch.setattr(killed, '_train_on', until_killed)
    with pytest.raises(_Killed):
        killed.run()
    resumed = trainer(tmp_path / 'killed')
    assert resumed.step == 6
    resumed.run()
    for name, value in whole.prn.state_dict().items():
        torch.testing.assert_close(resumed.prn.state_dict()[name], value, msg=f'{name} differs after resuming')


def test_a_finished_run_has_nothing_left_to_do(tmp_path: Path) -> None:
    trainer(tmp_path).run()
    trainer(tmp_path).run(lambda epoch, loss: pytest.fail('an epoch was trained after the last'))


def test_another_run_is_not_gone_on_from(tmp_path: Path) -> None:
    trainer(tmp_path, epochs=1).run()
    with pytest.raises(WeightsError, match='checkpoint.pt'):
        trainer(tmp_path, dataclasses.replace(CONFIG, nodes=8), epochs=1)


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    (tmp_path / 'checkpoint.pt').write_bytes(b'half a file')
    with pytest.raises(WeightsError, match='checkpoint.pt'):
        trainer(tmp_path)


def test_curriculum_starts_with_the_easy(tmp_path: Path) -> None:
    run = trainer(tmp_path, curriculum=True)
    labelled = np.random.default_rng(3).integers(1, 18, 128)
    run.sampler.people.keypoints[..., 2] = 2 * (np.arange(17) < labelled[:, None])
    order = run._order(np.random.default_rng(0))
    assert sorted(order) == list(range(128))
    assert labelled[order[:32]].mean() > labelled[order[-32:]].mean() + 6
