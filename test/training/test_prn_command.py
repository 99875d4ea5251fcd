"""``mpn train prn``: labels in, a weights file with the PRN and the prior out."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest

from mpn_ros.commands import train_prn
from mpn_ros.errors import DatasetError
from mpn_ros.weights import load_weights


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    train_prn.add_arguments(parser)
    return parser.parse_args(words)


def write_labels(path: Path, people: int) -> None:
    random = np.random.default_rng(0)
    centre = random.uniform(.3, .7, (people, 2))
    np.savez(path, image_id=np.arange(people) // 2, image_size=np.full((people, 2), 400),
             box=np.concatenate([centre, np.full((people, 2), .4)], 1),
             xy=centre[:, None] + random.uniform(-.2, .2, (people, 17, 2)), visibility=np.full((people, 17), 2))


def test_labels_in_weights_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels, folder = tmp_path / 'labels.npz', tmp_path / 'run'
    write_labels(labels, 12)
    words = ('--labels', str(labels), '--validation', str(labels), '--folder', str(folder), '--epochs', '1',
             '--batch', '8')
    assert train_prn.run(arguments(*words)) == 0
    printed = capsys.readouterr().out
    weights = load_weights(folder / 'prn.safetensors')
    assert weights.prn().config == weights.preset.prn
    assert weights.ucr_prior().max() == pytest.approx(1)
    for name in ('PRN', 'UCR', 'Max'):
        measured = weights.metadata['metrics']['grouping'][name]['exact']['AP']
        assert f'{name} exact AP {100 * measured:.1f}' in printed
    assert weights.metadata['training']['prn']['labels'] == 'labels.npz'


def test_missing_labels_are_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match='nowhere.json'):
        train_prn.run(arguments('--labels', str(tmp_path / 'nowhere.json'), '--folder', str(tmp_path)))
