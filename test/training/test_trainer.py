"""The loop on a small real problem: it learns, it stops and goes on, it refuses what does not fit."""

from __future__ import annotations

import dataclasses

import pytest
import torch

pytest.importorskip('pycocotools', reason='masks need pycocotools: pip install pycocotools')

from mpn_ros.errors import ParameterError, TrainingError, WeightsError  # noqa: E402
from mpn_ros.network.multiposenet import MultiPoseNet  # noqa: E402
from mpn_ros.presets import preset  # noqa: E402
from mpn_ros.training import distributed  # noqa: E402
from mpn_ros.training.augment import Augmentation  # noqa: E402
from mpn_ros.training.checkpoint import load_checkpoint  # noqa: E402
from mpn_ros.training.config import TrainingConfig  # noqa: E402
from mpn_ros.training.dataset import PatchDataset  # noqa: E402
from mpn_ros.training.logger import TrainingLogger  # noqa: E402
from mpn_ros.training.trainer import Trainer  # noqa: E402

CONFIG = TrainingConfig(epochs=3, batch=2, rate=1e-3, warmup=1, schedule='cosine', workers=0, bf16=False)


class Told(TrainingLogger):
    """Keeps what it is told."""

    def __init__(self):
        self.history, self.measured, self.epochs = [], [], []

    def losses(self, step, means):
        self.history.append(means)

    def figures(self, step, figures):
        self.measured.append((step, dict(figures)))

    def epoch(self, step, network):
        self.epochs.append(step)


@pytest.fixture(scope='module')
def images(learnt_figures):
    return learnt_figures.labelled()


@pytest.fixture
def trainer(images, tmp_path):
    """Makes a trainer on patches of 32 pixels, in the folder of the test or one in it."""

    def make(folder='run', name='lite', **changes):
        validation = {key: changes.pop(key) for key in ('validate', 'validate_every') if key in changes}
        if 'features' in changes:
            validation['features'] = tmp_path / changes.pop('features')
        torch.manual_seed(0)
        chosen = changes.pop('chosen', preset(name))
        dataset = PatchDataset(images, 32, Augmentation(0, (1, 1), 0), chosen, views=changes.pop('views', 0))
        config = dataclasses.replace(CONFIG, **changes)
        return Trainer(MultiPoseNet(chosen), dataset, config, tmp_path / folder, **validation)

    return make


def snapshot(network):
    return {key: value.clone() for key, value in network.state_dict().items()}


def changed(network, before):
    return {key for key, value in network.state_dict().items() if not torch.equal(value, before[key])}


def test_a_run_that_was_cut_goes_on_as_if_it_had_not_been(trainer):
    whole = trainer('whole', schedule='plateau')
    whole.run()
    cut = trainer('cut', schedule='plateau')
    assert not cut.run(minutes=0)
    assert cut.step == 1
    again = trainer('cut', schedule='plateau')
    assert again.resume() and again.step == 1
    assert again.run()
    assert not changed(whole.network, again.network.state_dict())
    assert not changed(whole.averaged, again.averaged.state_dict())
    assert whole.schedule.state_dict() == again.schedule.state_dict()


def test_epochs_are_told_and_validated_and_the_best_is_kept(trainer, tmp_path):
    figures = iter([{'AP': 0.5, 'IoU': 0.1}, {'AP': 0.4, 'IoU': 0.9}])
    run, told = trainer(epochs=5, validate=lambda network: next(figures), validate_every=2), Told()
    run.run(told, report_every=3)
    assert told.epochs == [2, 4, 6, 8, 10] and len(told.history) == 3
    assert told.measured == [(4, {'AP': 0.5, 'IoU': 0.1}), (8, {'AP': 0.4, 'IoU': 0.9})]
    assert run.best == {'AP': 0.5, 'IoU': 0.1, 'step': 4}
    assert load_checkpoint(tmp_path / 'run' / 'best.pt')['step'] == 4
    assert load_checkpoint(tmp_path / 'run' / 'checkpoint.pt')['best'] == run.best


def test_a_run_killed_in_a_validation_validates_when_it_goes_on(trainer):
    def killed(network):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trainer(validate=killed).run()
    measured = []
    again = trainer(validate=lambda network: measured.append(again.step) or {'AP': 0.5})
    assert again.resume()
    again.run()
    assert measured == [2, 4, 6]


def test_a_loss_that_is_not_finite_ends_the_run_and_the_last_good_checkpoint_stays(trainer, tmp_path, monkeypatch):
    run = trainer()
    losses = run.criterion.forward

    def broken_at_step_three(batches):
        terms = losses(batches)
        return {**terms, 'mask': terms['mask'] * float('nan')} if run.step == 3 else terms

    monkeypatch.setattr(run.criterion, 'forward', broken_at_step_three)
    with pytest.raises(TrainingError, match=r"the loss 'mask' is not finite at step 3: .*in .*checkpoint.pt"):
        run.run(save_minutes=0)
    assert load_checkpoint(tmp_path / 'run' / 'checkpoint.pt')['step'] == 2


def test_weights_that_are_not_finite_are_not_saved(trainer, tmp_path):
    run = trainer()
    run.run(minutes=0)
    next(iter(run.trained.values())).data[0] = float('inf')
    with pytest.raises(TrainingError, match="the parameter 'backbone.stem.conv.weight' is not finite at step 1"):
        run.save()
    kept = load_checkpoint(tmp_path / 'run' / 'checkpoint.pt')['network']
    assert all(value.isfinite().all() for value in kept.values())


def test_the_first_process_decides_when_to_save(trainer, monkeypatch):
    """Saving is done by all processes together, and the clock of each is its own."""
    saved = []
    run = trainer()
    monkeypatch.setattr(distributed, 'from_first', lambda value, device: 0.0)
    monkeypatch.setattr(run, 'save', lambda: saved.append(run.step))
    run.run(save_minutes=0)
    assert saved == [run.total_steps]


def test_losses_are_told_on_the_console(trainer, capsys):
    trainer(epochs=2).run(report_every=3)
    told = capsys.readouterr().err
    assert 'step 3 of 4: mask 0.' in told and 'step 4 of 4: mask 0.' in told, 'the last steps too'


@pytest.mark.parametrize('fixed', [True, False])
def test_norms_of_the_backbone_move_unless_they_are_fixed(trainer, fixed):
    run = trainer(name='r50', fixed_norms=fixed, epochs=1)
    before = snapshot(run.network)
    run.run()
    moved = {key for key in changed(run.network, before) if 'running_mean' in key}
    assert not moved if fixed else moved


def test_relative_steps_go_on_from_a_checkpoint(trainer):
    whole = trainer('whole', relative=True)
    whole.run()
    cut = trainer('cut', relative=True)
    cut.run(minutes=0)
    again = trainer('cut', relative=True)
    assert again.resume() and again.run()
    assert not changed(whole.network, again.network.state_dict())


def test_the_rate_falls_at_a_plateau_of_the_validation(trainer):
    run = trainer(epochs=4, schedule='plateau', patience=1, validate=lambda network: {'AP': 0.5})
    run.run()
    assert run.optimizer.param_groups[0]['lr'] == pytest.approx(CONFIG.rate / 10)


def test_a_cosine_ends_low(trainer):
    run = trainer(epochs=2)
    run.run()
    assert run.optimizer.param_groups[0]['lr'] == pytest.approx(0.02 * CONFIG.rate)


def test_other_settings_do_not_resume(trainer):
    trainer().save()
    with pytest.raises(WeightsError, match='other settings'):
        trainer(rate=2e-3).resume()


def test_a_damaged_checkpoint_is_named(tmp_path):
    (tmp_path / 'checkpoint.pt').write_bytes(b'torn')
    with pytest.raises(WeightsError, match='checkpoint.pt is not a training checkpoint'):
        load_checkpoint(tmp_path / 'checkpoint.pt')


@pytest.mark.parametrize(
    ('stage', 'moved'),
    [
        ('keypoints', {'backbone', 'keypoint_pyramid', 'keypoint_head', 'intermediate'}),
        ('detector', {'detector_pyramid', 'detector'}),
    ],
)
def test_a_stage_changes_its_own_parts_and_runs_no_others(trainer, stage, moved):
    run = trainer(stage=stage, epochs=1)
    idle = [run.network.detector, run.network.detector_pyramid] if stage == 'keypoints' else [
        run.network.keypoint_head, run.network.keypoint_pyramid, run.network.intermediate]  # fmt: skip
    for module in idle:
        module.register_forward_hook(lambda *_: pytest.fail('what no loss reads was computed'))
    before = snapshot(run.network)
    run.run()
    assert {key.split('.')[0] for key in changed(run.network, before)} == moved


def test_what_cannot_learn_is_not_computed(trainer):
    frozen = (('backbone', 0), ('keypoint_pyramid', 0), ('keypoint_head', 0))
    run = trainer(stage='joint', epochs=1, rate_factors=frozen)
    run.network.keypoint_head.register_forward_hook(lambda *_: pytest.fail('no weight hears of the heatmaps'))
    before, told = snapshot(run.network), Told()
    run.run(told, report_every=1)
    assert {key.split('.')[0] for key in changed(run.network, before)} == {'detector_pyramid', 'detector'}
    assert set(told.history[0]) == {'class', 'box', 'rate'}


def test_no_intermediate_supervision(trainer):
    run, told = trainer(stage='keypoints', epochs=1, intermediate_weight=0), Told()
    before = snapshot(run.network)
    run.run(told, report_every=1)
    assert set(told.history[0]) == {'heatmap', 'mask', 'rate'}
    assert not any(key.startswith('intermediate') for key in changed(run.network, before))


def test_a_factor_of_zero_leaves_the_keypoint_heatmaps_out(trainer):
    told = Told()
    trainer(stage='keypoints', epochs=1, heatmap_weight=0, intermediate_weight=0).run(told, report_every=1)
    assert set(told.history[0]) == {'mask', 'rate'}


def test_frozen_parameters_stay_and_held_rows_too(trainer):
    run = trainer(epochs=1, rate_factors=(('backbone', 0), ('keypoint_head.down', 0)))
    run.hold({'keypoint_head.fusion.1.weight': 5})
    before = snapshot(run.network)
    run.run()
    moved = changed(run.network, before)
    assert moved and not any(key.startswith(('backbone', 'keypoint_head.down')) for key in moved)
    fusion, old = run.network.keypoint_head.fusion[1].weight, before['keypoint_head.fusion.1.weight']
    assert torch.equal(fusion[:5], old[:5]) and not torch.equal(fusion[5:], old[5:])
    again = trainer(epochs=1, rate_factors=(('backbone', 0), ('keypoint_head.down', 0)))
    assert again.resume() and again.held == {'keypoint_head.fusion.1.weight': 5}


@pytest.mark.parametrize('changes', [{'rate_factors': (('neck', 1),)}, {'rate_factors': (('', 0),)}, {'batch': 5}])
def test_what_leaves_nothing_to_do_is_refused(trainer, changes):
    with pytest.raises(ParameterError):
        trainer(**changes)


def test_each_parameter_learns_at_the_rate_of_the_first_prefix_that_fits(trainer):
    run = trainer(rate_factors=(('keypoint_head.heatmaps', 1), ('keypoint_head', 0.25)))
    rate = {id(p): group['initial_lr'] for group in run.optimizer.param_groups for p in group['params']}
    named = {name: rate[id(p)] / CONFIG.rate for name, p in run.network.named_parameters()}
    assert {factor for name, factor in named.items() if name.startswith('keypoint_head.')} == {0.25, 1}
    assert all(
        (factor == 0.25) == (name.startswith('keypoint_head.') and 'heatmaps' not in name)
        for name, factor in named.items()
    )


@pytest.mark.parametrize(
    ('changes', 'sentence'),
    [
        ({'stage': 'both'}, "stage 'both' is none of keypoints, detector, joint"),
        ({'schedule': 'steps'}, "schedule 'steps' is none of"),
        ({'batch': 0}, 'batch must be at least 1, not 0'),
        ({'rate': 0}, 'rate must be above 0'),
    ],
)
def test_wrong_settings_are_refused(changes, sentence):
    with pytest.raises(ParameterError, match=sentence):
        TrainingConfig(**changes)


def test_the_average_follows_the_weights_and_never_leads(trainer):
    run = trainer(epochs=1)
    before = snapshot(run.network)
    run.run()
    key = 'keypoint_head.fusion.1.weight'
    now, mean = run.network.state_dict()[key], run.averaged.state_dict()[key]
    assert 0 < (mean - before[key]).norm() and (mean - now).norm() < (before[key] - now).norm()


FROZEN = {'stage': 'detector', 'epochs': 4}


def views(trainer_of, count, folder, **changes):
    """A run whose images have so many patches each, on features that are kept in a folder beside it."""
    return trainer_of(folder, views=count, features='features', **{**FROZEN, **changes})


def test_what_a_frozen_backbone_saw_is_not_computed_again_and_teaches_the_same(trainer, tmp_path):
    looks = []
    first = views(trainer, 2, 'first')
    first.network.backbone.register_forward_hook(lambda *_: looks.append(1))
    first.run()
    assert len(looks) == 4, 'two views of two batches'
    second = views(trainer, 2, 'second')
    second.network.backbone.register_forward_hook(lambda *_: pytest.fail('its features are there'))
    second.run()
    assert not changed(first.network, second.network.state_dict())
    (tmp_path / 'features').rename(tmp_path / 'gone')
    alone = views(trainer, 2, 'alone')
    alone.run()
    assert not changed(first.network, alone.network.state_dict()), 'kept features are not those that are computed'


def test_features_are_of_one_backbone_and_one_set_of_patches(trainer, tmp_path):
    views(trainer, 2, 'first').run()
    assert len(list((tmp_path / 'features').glob('*.known'))) == 1
    views(trainer, 3, 'second').run()
    other = views(trainer, 2, 'third')
    with torch.no_grad():
        next(other.network.backbone.parameters()).add_(1)
    other.run()
    dilated = dataclasses.replace(preset('lite'), backbone='mobilenet_dilated')  # its weights are the plain one's
    views(trainer, 2, 'fourth', chosen=dilated).run()
    assert len(list((tmp_path / 'features').glob('*.known'))) == 4


def test_a_resumed_run_goes_on_with_its_own_features(trainer, tmp_path):
    cut = views(trainer, 2, 'run')
    with torch.no_grad():
        next(cut.network.backbone.parameters()).add_(1)  # as from --start, which counts in the first start only
    assert not cut.run(minutes=0)
    again = views(trainer, 2, 'run')
    assert again.resume() and again.run()
    assert len(list((tmp_path / 'features').glob('*.known'))) == 1


def test_views_want_a_frozen_backbone(trainer):
    with pytest.raises(ParameterError, match='views need a backbone that is not trained'):
        views(trainer, 2, 'run', stage='keypoints')
    views(trainer, 2, 'run', stage='keypoints', rate_factors=(('backbone', 0),)).run()
