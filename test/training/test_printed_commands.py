"""The commands that docs/training.md prints run as they stand there, on a few tiny pictures and for a few steps."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

pytest.importorskip('pycocotools', reason='masks need pycocotools: pip install pycocotools')
pytest.importorskip('tensorboard', reason='training needs tensorboard: pip install tensorboard')
from mpn_ros.cli import main
from mpn_ros.network.multiposenet import MultiPoseNet
from mpn_ros.presets import preset
from mpn_ros.weights import resolve_weights

PAGE = Path(__file__).resolve().parents[2] / 'docs' / 'training.md'
FEW = {'--size': ['64'], '--batch': ['2'], '--epochs': ['1'], '--views': ['1'], '--workers': ['0'], '--device': ['cpu'],
       '--validation-limit': ['1'], '--no-bf16': []}  # fmt: skip
"""What makes a stage short; where an option is there twice the last counts."""


def printed() -> list[list[list[str]]]:
    """The words of each command of ``mpn train`` and ``mpn pack``, block by block, in the order of the page."""
    blocks = [block.partition('\n')[2] for block in PAGE.read_text().split('```')[1::2]]
    commands = [[shlex.split(line) for line in block.replace('\\\n', ' ').splitlines()] for block in blocks]
    wanted = [[words for words in block if words[:2] in (['mpn', 'train'], ['mpn', 'pack'])] for block in commands]
    return [block for block in wanted if any(words[1] == 'train' for words in block)]


def shortened(words: list[str]) -> list[str]:
    """The arguments of ``main`` for a command that trains for a few steps."""
    if words[1] == 'pack':
        return words[1:]
    if words[2] == 'prn':
        return [*words[1:], '--epochs', '1', '--batch', '4', '--device', 'cpu']
    more = [word for name, values in FEW.items() if name != '--views' or name in words for word in (name, *values)]
    return [*words[1:], *more]


@pytest.fixture
def world(learnt_figures, tmp_path, monkeypatch):
    """A folder in which all files that the page names are there."""
    for folder in ('train2017', 'val2017', 'mine', 'test', 'IMAGES', 'VAL'):
        (tmp_path / folder).symlink_to(learnt_figures.images)
    for labels in ('person_keypoints_train2017.json', 'person_keypoints_val2017.json', 'person_keypoints.json',
                   'person_keypoints_val.json', 'mine.json', 'test.json', 'LABELS', 'VAL_LABELS'):  # fmt: skip
        shutil.copy(learnt_figures.annotations, tmp_path / labels)
    for masks in ('masks', 'MASKS'):
        (tmp_path / masks).mkdir()
        for picture in learnt_figures.images.iterdir():
            cv2.imwrite(str(tmp_path / masks / picture.name), np.zeros((96, 96), np.uint8))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize('block', printed(), ids=lambda block: ' '.join(block[0][1:3] + block[0][-1:]))
def test_a_printed_block_runs(block, world, capsys):
    used = {word for words in block for word in words}
    if 'resnet50.pth' in used:
        torch.save(MultiPoseNet(preset('r50')).backbone.state_dict(), world / 'resnet50.pth')
    if 'movenet-multipose.onnx' in used:
        teacher = Path(os.environ.get('MPN_DATA', 'nowhere')) / 'teachers' / 'movenet-multipose.onnx'
        if not teacher.is_file():
            pytest.skip('MoveNet is not here: set MPN_DATA to a folder with teachers/movenet-multipose.onnx')
        (world / 'movenet-multipose.onnx').symlink_to(teacher)
    if 'runs/prn/prn.safetensors' in used and not any(words[1:3] == ['train', 'prn'] for words in block):
        assert main(shortened(['mpn', 'train', 'prn', '--labels', 'LABELS', '--folder', 'runs/prn'])) == 0
    if 'first.safetensors' in used:
        shutil.copy(resolve_weights('lite'), world / 'first.safetensors')
    for words in block:
        assert main(shortened(words)) == 0, f'{shlex.join(words)}: {capsys.readouterr().err.splitlines()[-1:]}'


def test_every_stage_is_printed():
    stages = {words[2] for block in printed() for words in block if words[1] == 'train'}
    assert stages == {'keypoints', 'detector', 'joint', 'prn'}
