"""``mpn train`` as a user runs it: processes that are killed, processes that share the work, keypoints of one's own,
and data that are wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

pytest.importorskip('pycocotools', reason='masks need pycocotools: pip install pycocotools')
pytest.importorskip('tensorboard', reason='training needs tensorboard: pip install tensorboard')
from mpn_ros.cli import main
from mpn_ros.training.checkpoint import load_checkpoint
from mpn_ros.weights import load_weights

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 600  # seconds; some ten do on an idle machine
EXACT = ['--rotation', '0', '--scale', '1', '1', '--flip', '0', '--workers', '0', '--device', 'cpu']


def arguments(figures, folder: Path, *more: str, stage: str = 'keypoints') -> list[str]:
    """The command on tiny patches."""
    return ['train', stage, '--images', str(figures.images), '--annotations', str(figures.annotations),
            '--folder', str(folder), '--size', '32', '--batch', '2', '--epochs', '3', *EXACT, *more]  # fmt: skip


@contextmanager
def launched(arguments: list[str], *launcher: str) -> Iterator[subprocess.Popen]:
    """The command in a process of its own, on one thread: more of them add up in another order."""
    environment = {**os.environ, 'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1'}
    command = [sys.executable, '-m', *launcher, 'mpn_ros.cli', *arguments]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


def finish(process: subprocess.Popen) -> str:
    """What the process says until it ends well."""
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    return errors


@pytest.fixture(scope='module')
def unbroken(learnt_figures, tmp_path_factory) -> dict:
    """The checkpoint of a run that nothing happened to."""
    folder = tmp_path_factory.mktemp('unbroken')
    with launched(arguments(learnt_figures, folder, '--no-bf16')) as process:
        finish(process)
    return load_checkpoint(folder / 'checkpoint.pt')


def test_a_killed_run_goes_on_and_ends_with_the_same_weights(learnt_figures, unbroken, tmp_path):
    command = arguments(learnt_figures, tmp_path, '--no-bf16', '--save-minutes', '0')
    with launched(command) as process:
        deadline = time.monotonic() + PATIENCE
        while not (tmp_path / 'checkpoint.pt').exists() and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        assert process.wait(60) == -signal.SIGKILL
    assert 1 <= load_checkpoint(tmp_path / 'checkpoint.pt')['step'] < unbroken['step'], 'the kill came too late'
    with launched(command) as process:
        assert 'resuming at step' in finish(process)
    state = load_checkpoint(tmp_path / 'checkpoint.pt')
    assert state['step'] == unbroken['step'] == 6
    for part in ('network', 'averaged'):
        assert all(torch.equal(value, unbroken[part][key]) for key, value in state[part].items()), part


def test_two_processes_learn_what_one_learns(learnt_figures, unbroken, tmp_path):
    """Each takes half of every batch; `lite` has no BatchNorm before its keypoints: only rounding tells them apart."""
    launcher = (
        'torch.distributed.run',
        '--standalone',
        '--nproc-per-node',
        '2',
        '-m',
        '--',
    )  # `--start` is not torchrun's
    with launched(arguments(learnt_figures, tmp_path, '--no-bf16'), *launcher) as process:
        assert finish(process).count('starting at step 0') == 1, 'one process tells, not all'
    state = load_checkpoint(tmp_path / 'checkpoint.pt')
    assert state['step'] == unbroken['step']
    for key, value in state['network'].items():
        torch.testing.assert_close(value, unbroken['network'][key], rtol=1e-3, atol=1e-4, msg=key)


def test_four_pictures_are_learnt_by_heart(learnt_figures, tmp_path, capsys):
    """From the shipped weights, through the pipeline that everybody uses."""
    more = ['--start', 'lite', '--set', 'input_size=96', '--rate', '1e-3', '--schedule', 'cosine', '--epochs', '80']
    validation = ['--validation-images', str(learnt_figures.images),
                  '--validation-annotations', str(learnt_figures.annotations), '--validate-every', '80']  # fmt: skip
    command = arguments(learnt_figures, tmp_path, *more, *validation, stage='joint')
    assert main([*command, '--size', '96', '--batch', '4']) == 0
    best = load_checkpoint(tmp_path / 'best.pt')['best']
    assert best['keypoint AP'] > 0.75 and best['box AP'] > 0.75 and best['mask IoU'] > 0.65
    assert f'best at step 80: keypoint AP {100 * best["keypoint AP"]:.1f}' in capsys.readouterr().err


def test_windows_norms_and_relative_steps_train_resume_and_are_packed_without_norms(learnt_figures, tmp_path):
    """The way that the weights of `lite` go: the norms are there in the checkpoint and folded in what is packed."""
    more = ['--start', 'lite', '--batch-norm', '--fixed-norms', '--relative-rate', '--rate', '1e-4', '--ema', '0.9',
            '--windows', '2', '--window-size', '64', '--whole', '0.5', '--rate-factor', 'backbone.stem=0',
            'backbone.stages.0.=0', 'backbone.stages.1.=0', 'backbone=0.5']  # fmt: skip
    command = arguments(learnt_figures, tmp_path / 'run', *more, '--size', '96', stage='joint')
    assert main([*command, '--minutes', '0']) == 0
    assert main([*command]) == 0
    state = load_checkpoint(tmp_path / 'run' / 'checkpoint.pt')
    assert state['step'] == 6 and state['config']['windows']['count'] == 2
    norms = {key for key in state['averaged'] if key.startswith('backbone.') and '.norm.' in key}
    assert norms and not any(key.startswith(('backbone.stem', 'backbone.stages.1')) for key in norms)
    assert main(['pack', str(tmp_path / 'out.safetensors'), '--network', str(tmp_path / 'run' / 'checkpoint.pt')]) == 0
    assert not any('.norm.' in key for key in load_weights(tmp_path / 'out.safetensors').parts['network'])
    again = ['--start', str(tmp_path / 'run' / 'checkpoint.pt'), '--epochs', '1', '--no-bf16']
    assert main(arguments(learnt_figures, tmp_path / 'again', *again, stage='detector')) == 0
    packed = tmp_path / 'chain.safetensors'
    assert main(['pack', str(packed), '--network', str(tmp_path / 'again' / 'checkpoint.pt')]) == 0
    chain = load_weights(packed).metadata['training']
    assert chain['network']['stage'] == 'detector' and chain['start']['network']['stage'] == 'joint'
    assert chain['start']['start']['file'] == 'lite.safetensors', 'how the first weights were trained is not told'


@pytest.mark.parametrize('rate', ['1e30', '100'])
def test_a_training_that_diverges_ends_in_a_sentence(learnt_figures, tmp_path, capsys, rate):
    more = ['--start', 'lite', '--rate', rate, '--schedule', 'cosine', '--epochs', '100']
    assert main(arguments(learnt_figures, tmp_path, *more, stage='joint')) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("mpn train: the loss '") and 'is not finite at step' in last and '--rate may help' in last


def test_keypoints_of_ones_own_train_run_and_are_measured(door_figures, tmp_path):
    figures, out = door_figures, tmp_path / 'out'
    validation = ['--validation-images', str(figures.images), '--validation-annotations', str(figures.annotations)]
    assert main([*arguments(figures, tmp_path / 'run', '--start', 'lite', '--epochs', '1'), *validation]) == 0
    weights = str(tmp_path / 'door.safetensors')
    assert main(['pack', weights, '--network', str(tmp_path / 'run' / 'checkpoint.pt')]) == 0
    pipeline = ['--weights', weights, '--grouper', 'max', '--backend', 'eager', '--device', 'cpu', '--input-size', '64']
    assert main(['infer', str(figures.images / '0.png'), '--out', str(out), *pipeline]) == 0
    assert json.loads((out / '0.json').read_text())['keypoint_names'] == ['knob', 'left_hinge', 'right_hinge']
    measured = ['eval', '--images', str(figures.images), '--annotations', str(figures.annotations), '--json',
                str(tmp_path / 'eval.json'), *pipeline]  # fmt: skip
    assert main(measured) == 0
    assert 0 <= json.loads((tmp_path / 'eval.json').read_text())['keypoints']['AP'] <= 1


def test_labels_of_other_keypoints_than_the_weights_are_refused(door_figures, tmp_path, capsys):
    command = ['eval', '--images', str(door_figures.images), '--annotations', str(door_figures.annotations),
               '--json', str(tmp_path / 'eval.json'), '--weights', 'lite', '--backend', 'eager']  # fmt: skip
    assert main(command) == 2
    assert 'labels.json labels 3 keypoints (knob, left_hinge, right_hinge), but' in capsys.readouterr().err


def spoil_image(figures):
    (figures.images / '5.png').write_bytes(b'torn')  # which a worker opens


def forget_image(figures):
    (figures.images / '2.png').unlink()


def break_json(figures):
    figures.annotations.write_text(figures.annotations.read_text()[:200])


def move_box(figures):
    figures.content['annotations'][1]['bbox'] = [500, 500, 20, 20]
    figures.save()


def forget_keypoints(figures):
    for annotation in figures.content['annotations']:
        annotation['keypoints'] = [0] * 51
    figures.save()


def forget_people(figures):
    figures.content['annotations'] = []
    figures.save()


@pytest.mark.parametrize(
    ('spoil', 'sentence'),
    [
        (spoil_image, '5.png is not a picture that can be decoded'),
        (forget_image, '2.png (image id 2 of'),
        (break_json, 'labels.json is not JSON: line 1, column'),
        (move_box, 'labels.json: annotation id 101 has a bbox [500, 500, 20, 20] outside its image'),
        (forget_keypoints, 'labels.json: nobody has a labelled keypoint'),
        (forget_people, "labels.json: the list 'annotations' is empty"),
    ],
)
def test_wrong_data_end_in_a_sentence(figures, tmp_path, capsys, spoil, sentence):
    spoil(figures)
    assert main(arguments(figures, tmp_path / 'run', '--workers', '1')) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith('mpn train: ') and sentence in last


@pytest.mark.parametrize(
    ('more', 'sentence'),
    [
        (['--hold-movenet'], '--hold-movenet needs --movenet'),
        (['--start-parts', 'detector'], '--start-parts needs --start'),
        (['--start', 'lite', '--start-parts', 'neck'], "begins with 'neck'"),
        (['--start', 'heavy'], "no weights are called 'heavy'"),
        (['--start', 'lite', '--set', 'keypoint_head.width=32'], "holds another network than preset 'lite'"),
        (['--set', 'colour=red'], "'colour=red' is not FIELD=VALUE"),
        (['--validation-images', '.'], '--validation-images and --validation-annotations go together'),
        (['--size', '50'], 'multiple of 32, not 50'),
        (['--windows', '0'], '--windows must be at least 1'),
        (['--windows', '2', '--views', '3'], '--windows differ in each epoch'),
        (['--batch-norm', '--preset', 'r50'], "the backbone of preset 'r50' has its BatchNorm already"),
        (['--batch', '5'], 'a batch of 5 is more than the 4 images'),
        (['--device', 'abacus'], "PyTorch cannot use device 'abacus'"),
    ],
)
def test_wrong_arguments_end_in_a_sentence(learnt_figures, tmp_path, capsys, more, sentence):
    assert main(arguments(learnt_figures, tmp_path, *more)) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith('mpn train: ') and sentence in last
