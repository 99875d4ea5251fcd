"""``mpn train prn``: labels in, a weights file with the PRN and the prior out."""

from __future__ import annotations

import argparse
import dataclasses
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip('pycocotools', reason='masks need pycocotools: pip install pycocotools')

from mpn_ros.commands import train_prn  # noqa: E402
from mpn_ros.errors import DatasetError, ParameterError, PresetError  # noqa: E402
from mpn_ros.pipeline.grouping import PRNGrouper  # noqa: E402
from mpn_ros.presets import PRN_PRESETS  # noqa: E402
from mpn_ros.training.prn_noise import DetectorNoise  # noqa: E402
from mpn_ros.weights import load_weights  # noqa: E402


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    train_prn.add_arguments(parser)
    return parser.parse_args(words)


def write_labels(path: Path, people: int) -> None:
    random = np.random.default_rng(0)
    centre = random.uniform(0.3, 0.7, (people, 2))
    np.savez(
        path,
        image_id=np.arange(people) // 2,
        image_size=np.full((people, 2), 400),
        box=np.concatenate([centre, np.full((people, 2), 0.4)], 1),
        xy=centre[:, None] + random.uniform(-0.2, 0.2, (people, 17, 2)),
        visibility=np.full((people, 17), 2),
    )


def test_labels_in_weights_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels, folder = tmp_path / 'labels.npz', tmp_path / 'run'
    write_labels(labels, 12)
    words = (
        '--labels',
        str(labels),
        '--validation',
        str(labels),
        '--folder',
        str(folder),
        '--epochs',
        '1',
        '--batch',
        '8',
    )
    assert train_prn.run(arguments(*words)) == 0
    printed = capsys.readouterr().out
    weights = load_weights(folder / 'prn.safetensors')
    assert weights.prn().config == weights.preset.prn
    assert weights.ucr_prior().max() == pytest.approx(1)
    for name in ('PRN', 'UCR', 'Max'):
        measured = weights.metadata['metrics']['grouping'][name]['exact']['AP']
        assert f'{name} exact AP {100 * measured:.1f}' in printed
    assert weights.metadata['training']['prn']['labels'] == 'labels.npz'


def test_the_bound_for_peaks_and_the_noise_travel_in_the_file(tmp_path: Path) -> None:
    labels = tmp_path / 'labels.npz'
    write_labels(labels, 4)
    words = ('--labels', str(labels), '--folder', str(tmp_path), '--epochs', '1', '--batch', '4')
    changes = '--set', 'peak_threshold=0.03', '--set-noise', 'position=0.5', 'miss=0'
    assert train_prn.run(arguments(*words, *changes)) == 0
    weights = load_weights(tmp_path / 'prn.safetensors')
    assert PRNGrouper(weights.prn()).peak_threshold == 0.03
    noise = weights.metadata['training']['prn']['noise']
    assert (noise['lowest'], noise['position'], noise['miss'], noise['mirror']) == (
        0.03,
        0.5,
        0,
        DetectorNoise().mirror,
    )


def test_noise_may_be_that_of_weights_on_images(tmp_path: Path, learnt_figures: Any) -> None:
    labels = tmp_path / 'labels.npz'
    write_labels(labels, 4)
    words = (
        '--labels',
        str(labels),
        '--folder',
        str(tmp_path),
        '--epochs',
        '1',
        '--batch',
        '4',
        '--device',
        'cpu',
        '--set',
        'peak_threshold=0.002',
        '--set-noise',
        'mirror=0.25',
        '--noise-of',
        'lite',
    )
    data = ('--noise-images', str(learnt_figures.images), '--noise-annotations', str(learnt_figures.annotations))
    assert train_prn.run(arguments(*words, *data, '--noise-limit', '2')) == 0
    noise = load_weights(tmp_path / 'prn.safetensors').metadata['training']['prn']['noise']
    assert noise['lowest'] == 0.002 and noise['mirror'] == 0.25
    assert noise['miss'] > DetectorNoise().miss, 'grey figures are no people'
    with pytest.raises(ParameterError, match='--noise-of, --noise-images and --noise-annotations go together'):
        train_prn.run(arguments(*words))


@pytest.mark.parametrize('wrong', ['lowest=0.1', 'size=3', 'miss=often', 'miss'])
def test_noise_that_is_none_ends_in_a_sentence(tmp_path: Path, wrong: str) -> None:
    labels = tmp_path / 'labels.npz'
    write_labels(labels, 4)
    with pytest.raises(ParameterError, match=f"--set-noise: '{wrong}' is not FIELD=NUMBER"):
        train_prn.run(arguments('--labels', str(labels), '--folder', str(tmp_path), '--set-noise', wrong))


def test_missing_labels_are_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match='nowhere.json'):
        train_prn.run(arguments('--labels', str(tmp_path / 'nowhere.json'), '--folder', str(tmp_path)))


def test_a_folder_that_cannot_be_made_is_told_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / 'file').write_text('')
    with pytest.raises(ParameterError, match='--folder .*/file/run cannot be made a folder: Not a directory'):
        train_prn.run(arguments('--labels', str(tmp_path / 'nowhere.json'), '--folder', str(tmp_path / 'file' / 'run')))


def test_a_form_of_the_papers_table_changed_in_one_field(tmp_path: Path) -> None:
    labels = tmp_path / 'labels.npz'
    write_labels(labels, 4)
    words = ('--labels', str(labels), '--folder', str(tmp_path), '--epochs', '1', '--prn', 'n50-d')
    train_prn.run(arguments(*words, '--set', 'height=8', 'width=6', 'dropout=0.25'))
    trained = load_weights(tmp_path / 'prn.safetensors').preset.prn
    assert trained == dataclasses.replace(PRN_PRESETS['n50-d'], height=8, width=6, dropout=0.25)


@pytest.mark.parametrize('wrong', ['colour=3', 'nodes', 'nodes=many'])
def test_a_change_that_a_form_does_not_have_is_refused(wrong: str) -> None:
    with pytest.raises(PresetError, match=wrong):
        train_prn.run(arguments('--labels', 'x', '--set', wrong))


def test_an_unknown_form_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(PresetError, match="'n3'.*lite.*n1024-dr"):
        train_prn.run(arguments('--labels', str(tmp_path), '--prn', 'n3'))


def test_a_killed_command_goes_on_and_ends_as_one_that_was_not(tmp_path: Path) -> None:
    """SIGKILL after the first checkpoint; the same command again ends with the weights of an undisturbed run."""
    labels = tmp_path / 'labels.npz'
    write_labels(labels, 40)

    def words(folder: str) -> list[str]:
        return [
            '--labels',
            str(labels),
            '--folder',
            str(tmp_path / folder),
            '--prn',
            'n50-d',
            '--set',
            'height=8',
            'width=6',
            '--epochs',
            '60',
            '--batch',
            '20',
            '--device',
            'cpu',
        ]

    train_prn.run(arguments(*words('whole')))
    checkpoint = tmp_path / 'killed' / 'checkpoint.pt'
    command = [sys.executable, '-m', 'mpn_ros.cli', 'train', 'prn', *words('killed')]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while not checkpoint.exists() and process.poll() is None:
            time.sleep(0.001)
        process.kill()
    assert process.returncode == -signal.SIGKILL, 'the run ended before it could be killed'
    at_death = torch.load(checkpoint, weights_only=True)['step']
    assert 0 < at_death < 120, 'nothing was left to do'
    train_prn.run(arguments(*words('killed')))
    whole, killed = (load_weights(tmp_path / name / 'prn.safetensors') for name in ('whole', 'killed'))
    for name, value in whole.parts['prn'].items():
        np.testing.assert_allclose(
            killed.parts['prn'][name], value, rtol=1e-5, atol=1e-5, err_msg=f'{name} differs after resuming'
        )
