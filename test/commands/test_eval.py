"""``mpn eval`` from end to end, with a network that knows nothing, and the sentences that it ends in."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

pytest.importorskip('pycocotools', reason='evaluation needs pycocotools: pip install pycocotools')
from mpn_ros.cli import main
from mpn_ros.coco import DatasetImage
from mpn_ros.commands.eval import input_shapes, table
from mpn_ros.evaluation.average_precision import FIGURES
from mpn_ros.network.multiposenet import MultiPoseNet
from mpn_ros.network.prn import PoseResidualNetwork
from mpn_ros.presets import preset
from mpn_ros.weights import save_weights


@pytest.fixture(scope='module')
def weights(tmp_path_factory) -> Path:
    torch.manual_seed(0)
    lite = preset('lite')
    path = tmp_path_factory.mktemp('weights') / 'untrained.safetensors'
    save_weights(
        path,
        lite,
        {'network': MultiPoseNet(lite).state_dict(), 'prn': PoseResidualNetwork(lite.prn, lite.keypoints).state_dict()},
    )
    return path


@pytest.fixture
def arguments(tmp_path, weights) -> list[str]:
    """The command on two images, one of which has a labelled person."""
    for name in ('a', 'b'):
        cv2.imwrite(str(tmp_path / f'{name}.png'), np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8))
    (tmp_path / 'labels.json').write_text(
        json.dumps(
            {
                'images': [
                    {'id': number, 'file_name': f'{name}.png', 'width': 80, 'height': 60}
                    for number, name in ((1, 'a'), (2, 'b'))
                ],
                'annotations': [
                    {
                        'id': 1,
                        'image_id': 1,
                        'category_id': 1,
                        'iscrowd': 0,
                        'bbox': [5, 5, 50, 50],
                        'area': 2000,
                        'num_keypoints': 1,
                        'keypoints': [30, 20, 2] + [0] * 48,
                        'segmentation': [[5, 5, 55, 5, 55, 55]],
                    }
                ],
                'categories': [{'id': 1, 'name': 'person'}],
            }
        )
    )
    return [
        'eval',
        '--images',
        str(tmp_path),
        '--annotations',
        str(tmp_path / 'labels.json'),
        '--json',
        str(tmp_path / 'out.json'),
        '--weights',
        str(weights),
        '--input-size',
        '64',
        '--backend',
        'eager',
        '--device',
        'cpu',
    ]


def test_writes_all_figures_and_what_they_depend_on(arguments, weights, tmp_path, capsys):
    assert main(arguments) == 0
    figures = json.loads((tmp_path / 'out.json').read_text())
    for kind in ('keypoints', 'bbox'):
        assert tuple(figures[kind]) == FIGURES[kind]
    for system in ('instance_mask', 'mask_in_boxes'):
        assert {tuple(of) for of in figures['segm'][system].values()} == {FIGURES['segm']}
    assert 0 <= figures['mask_iou'] <= 1
    assert (figures['images'], figures['preset'], figures['grouper']) == (2, 'lite', 'auto')
    assert (figures['scales'], figures['flip'], figures['ensemble']) == ([64], False, {})
    assert figures['weights'] == str(weights)
    assert figures['ms_per_image'] > 0
    assert figures['input_shapes'] == {'64x64': 2}
    assert figures['machine']['cores'] >= 1 and 'torch' in figures['versions']
    printed = capsys.readouterr().out
    assert 'keypoints' in printed and f'{100 * figures["mask_iou"]:.1f}' in printed


def test_input_shapes_are_those_of_the_letterbox_the_most_frequent_first():
    sizes = (640, 480), (400, 640), (320, 240)
    images = [DatasetImage(number, Path('x.png'), *size) for number, size in enumerate(sizes)]
    assert list(input_shapes(images, [384]).items()) == [('384x288', 2), ('256x384', 1)]
    assert input_shapes(images, [384, 64]) == {'384x288': 2, '64x64': 3, '256x384': 1}


def test_plots_are_written_beside_the_figures(arguments, tmp_path, capsys):
    pytest.importorskip('matplotlib', reason='the pictures need matplotlib: pip install matplotlib')
    assert main([*arguments, '--plots', str(tmp_path / 'plots')]) == 0
    assert (tmp_path / 'plots' / 'losses.png').is_file() and 'losses.png' in capsys.readouterr().out


def test_without_matplotlib_a_sentence_before_the_images_are_run(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, 'matplotlib', None)
    monkeypatch.delitem(sys.modules, 'mpn_ros.evaluation.plots', raising=False)
    assert main([*arguments, '--plots', str(tmp_path)]) == 2
    assert capsys.readouterr().err.splitlines() == ['mpn eval: matplotlib is not installed: pip install matplotlib']


def test_more_looks_and_more_weights_are_told(arguments, weights, tmp_path):
    del arguments[arguments.index('--input-size') : arguments.index('--input-size') + 2]
    assert main([*arguments, '--limit', '1', '--scales', '64', '96', '--flip', '--ensemble', str(weights)]) == 0
    figures = json.loads((tmp_path / 'out.json').read_text())
    assert (figures['scales'], figures['flip']) == ([64, 96], True)
    assert figures['ensemble'] == {str(weights): figures['sha256']}
    assert figures['input_shapes'] == {'64x64': 1, '96x96': 1}


def test_limit(arguments, tmp_path):
    assert main([*arguments, '--limit', '1']) == 0
    assert json.loads((tmp_path / 'out.json').read_text())['images'] == 1


@pytest.mark.parametrize(
    ('change', 'sentence'),
    [
        (['--limit', '0'], '--limit must be at least 1, not 0'),
        (['--json', '/nowhere/at/all.json'], '--json /nowhere/at/all.json: there is no folder /nowhere/at'),
        (['--images', '/nowhere'], 'the images folder /nowhere is missing'),
        (['--weights', '/nowhere.safetensors'], '/nowhere.safetensors'),
        (['--input-size', '50'], 'multiple of 32'),
        (['--grouper', 'best'], "not 'best'"),
        (['--backend', 'abacus'], 'abacus'),
        (['--scales', '64', '96'], '--scales takes the place of --input-size; give one of them'),
        (['--ensemble', '/nowhere.safetensors'], '/nowhere.safetensors'),
    ],
)
def test_wrong_arguments_end_in_a_sentence(arguments, change, sentence, tmp_path, capsys):
    assert main([*arguments, *change]) == 2
    error = capsys.readouterr().err
    assert error.splitlines()[-1].startswith('mpn eval: ') and sentence in error
    assert not (tmp_path / 'out.json').exists()


def test_the_table_says_what_could_not_be_measured():
    figures = {
        'keypoints': {'AP': 0.5, 'AP_M': None},
        'bbox': {'AP': 0.25},
        'mask_iou': None,
        'mask_iou_mean': None,
        'segm': None,
        'ms_per_image': 12.34,
        'images': 7,
        'backend': 'abacus',
    }
    assert table(figures).splitlines() == [
        'keypoints      AP 50.0  AP_M -',
        'person boxes   AP 25.0',
        'person mask    IoU -  mean of images -',
        'time           12.3 ms an image (median of 7), abacus',
    ]
