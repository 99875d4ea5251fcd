"""The loop on a small real problem: it learns, it stops and goes on, it refuses what does not fit."""

import dataclasses

import cv2
import numpy as np
import pytest
import torch

from mpn_ros.coco import DatasetImage
from mpn_ros.errors import ParameterError, WeightsError
from mpn_ros.network.multiposenet import MultiPoseNet
from mpn_ros.presets import preset
from mpn_ros.training.augment import Augmentation
from mpn_ros.training.coco import LabelledImage
from mpn_ros.training.dataset import PatchDataset
from mpn_ros.training.trainer import Trainer, TrainingConfig, load_checkpoint

CONFIG = TrainingConfig(epochs=3, batch=2, rate=1e-3, warmup=1, workers=0, bf16=False)


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    """Four pictures with a bright figure each, whose joints are marked by colour."""
    folder, found = tmp_path_factory.mktemp('pictures'), []
    random = np.random.default_rng(0)
    for number in range(4):
        picture = random.integers(0, 60, (96, 96, 3), np.uint8)
        x, y = random.integers(10, 40, 2)
        picture[y : y + 48, x : x + 32] = 120
        joints = np.zeros((1, 17, 3), np.float32)
        for joint in range(17):
            point = x + 3 + 6 * (joint % 5), y + 4 + 11 * (joint // 5)
            cv2.circle(picture, tuple(map(int, point)), 2, (255, 15 * joint, 255 - 15 * joint), -1)
            joints[0, joint] = *point, 2
        path = folder / f'{number}.png'
        cv2.imwrite(str(path), picture)
        polygon = [[float(v) for v in (x, y, x + 32, y, x + 32, y + 48, x, y + 48)]]
        found.append(
            LabelledImage(
                DatasetImage(number, path, 96, 96),
                np.array([[x, y, x + 32, y + 48]], np.float32),
                joints,
                ({'id': number, 'segmentation': polygon},),
                None,
            )
        )
    return found


def trainer(images, folder, config=CONFIG):
    torch.manual_seed(0)
    return Trainer(
        MultiPoseNet(preset('lite')),
        PatchDataset(images, 96, Augmentation(0, (1, 1), 0), preset('lite')),
        config,
        folder,
    )


def test_a_handful_of_images_is_learnt(images, tmp_path):
    run = trainer(images, tmp_path, dataclasses.replace(CONFIG, epochs=30, batch=4, rate=3e-3))
    history = []
    assert run.run(lambda step, losses: history.append(losses), report_every=1)
    for term, share in (('heatmap', 0.75), ('class', 0.5), ('box', 0.6)):
        assert history[-1][term] < share * history[0][term], (
            f'{term} went from {history[0][term]} to {history[-1][term]}'
        )


def test_a_run_that_was_cut_goes_on_as_if_it_had_not_been(images, tmp_path):
    whole = trainer(images, tmp_path / 'whole')
    whole.run(lambda *_: None)
    cut = trainer(images, tmp_path / 'cut')
    assert not cut.run(lambda *_: None, minutes=0)
    assert cut.step == 1
    again = trainer(images, tmp_path / 'cut')
    assert again.resume() and again.step == 1
    assert again.run(lambda *_: None)
    ours, theirs = whole.network.state_dict(), again.network.state_dict()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    assert all(torch.equal(whole.averaged[key], again.averaged[key]) for key in ours)


def test_other_settings_do_not_resume(images, tmp_path):
    run = trainer(images, tmp_path)
    run.save()
    with pytest.raises(WeightsError, match='other settings'):
        trainer(images, tmp_path, dataclasses.replace(CONFIG, rate=2e-3)).resume()


def test_a_damaged_checkpoint_is_named(images, tmp_path):
    (tmp_path / 'checkpoint.pt').write_bytes(b'torn')
    with pytest.raises(WeightsError, match='checkpoint.pt is not a training checkpoint'):
        load_checkpoint(tmp_path / 'checkpoint.pt')


@pytest.mark.parametrize(
    ('stage', 'moved', 'still'), [('keypoints', 'keypoint_head', 'detector'), ('detector', 'detector', 'backbone')]
)
def test_a_stage_changes_its_own_parts_alone(images, tmp_path, stage, moved, still):
    run = trainer(images, tmp_path, dataclasses.replace(CONFIG, stage=stage, epochs=1))
    before = {key: value.clone() for key, value in run.network.state_dict().items()}
    run.run(lambda *_: None)
    changed = {
        key.split('.')[0] for key, value in run.network.state_dict().items() if not torch.equal(value, before[key])
    }
    assert moved in changed and still not in changed


def test_frozen_parameters_stay(images, tmp_path):
    run = trainer(
        images,
        tmp_path,
        dataclasses.replace(CONFIG, epochs=1, rate_factors=(('backbone', 0), ('keypoint_head.down', 0))),
    )
    before = {key: value.clone() for key, value in run.network.state_dict().items()}
    run.run(lambda *_: None)
    changed = {key for key, value in run.network.state_dict().items() if not torch.equal(value, before[key])}
    assert changed and not any(key.startswith(('backbone', 'keypoint_head.down')) for key in changed)


@pytest.mark.parametrize('changes', [{'rate_factors': (('neck', 1),)}, {'rate_factors': (('', 0),)}])
def test_a_factor_for_nothing_or_0_for_everything_is_refused(images, tmp_path, changes):
    with pytest.raises(ParameterError):
        trainer(images, tmp_path, dataclasses.replace(CONFIG, **changes))


def test_each_parameter_learns_at_the_rate_of_the_first_prefix_that_fits(images, tmp_path):
    factors = (('keypoint_head.heatmaps', 1), ('keypoint_head', 0.25))
    run = trainer(images, tmp_path, dataclasses.replace(CONFIG, rate_factors=factors))
    rate = {id(p): group['initial_lr'] for group in run.optimizer.param_groups for p in group['params']}
    named = {name: rate[id(p)] / CONFIG.rate for name, p in run.network.named_parameters()}
    assert {factor for name, factor in named.items() if name.startswith('keypoint_head.')} == {0.25, 1}
    assert all(
        (factor == 0.25) == (name.startswith('keypoint_head.') and 'heatmaps' not in name)
        for name, factor in named.items()
    )


def test_wrong_settings_are_refused():
    with pytest.raises(ParameterError, match="'both'"):
        TrainingConfig(stage='both')
    with pytest.raises(ParameterError):
        TrainingConfig(batch=0)
