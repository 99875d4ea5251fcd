"""The commands with a network of others."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from mpn_ros.cli import main


@pytest.fixture
def network(save):
    """One person of 20x40 pixels at (10, 20) in the input of 64x64."""
    rows = np.zeros((1, 300, 57), np.float32)
    rows[0, 0, :6] = 10, 20, 30, 60, 0.9, 0
    rows[0, 0, 6:] = np.tile([20, 40, 0.8], 17)
    return save({'out': rows}, [1, 3, 64, 64], metadata={'license': 'AGPL-3.0\nand  more'})


@pytest.fixture
def image(tmp_path):
    path = tmp_path / 'image.png'
    cv2.imwrite(str(path), np.full((128, 128, 3), 90, np.uint8))
    return path


def test_info_is_one_line_with_the_licence(network, capsys):
    assert main(['info', str(network)]) == 0
    assert capsys.readouterr().out == (
        f'{network}: YOLO-pose, end to end, 17 keypoints, 64x64 pixels, no mask; licence: AGPL-3.0 and more\n'
    )


def test_infer_writes_people_and_no_mask(network, image, tmp_path):
    assert main(['infer', str(image), '--weights', str(network), '--precision', 'fp32', '--out', str(tmp_path)]) == 0
    (frame,) = json.loads((tmp_path / 'image.json').read_text())['frames']
    (person,) = frame['people']
    assert frame['mask'] is None and person['box'] == [20, 40, 60, 120] and person['keypoints'][0] == [40, 80, 0.8]
    assert (cv2.imread(str(tmp_path / 'image_overlay.jpg')) != 90).any()


def test_eval_has_no_mask_to_measure(network, small_dataset, tmp_path, capsys):
    figures = tmp_path / 'figures.json'
    assert (
        main(
            [
                'eval',
                '--images',
                str(small_dataset.images),
                '--annotations',
                str(small_dataset.annotations),
                '--json',
                str(figures),
                '--weights',
                str(network),
                '--precision',
                'fp32',
            ]
        )
        == 0
    )
    told = json.loads(figures.read_text())
    assert told['mask_iou'] is None and told['preset'] == 'YOLO-pose, end to end' and told['images'] == 3
    assert told['input_shapes'] == {'64x64': 3}
    assert 'IoU -' in capsys.readouterr().out


@pytest.mark.parametrize(
    'arguments',
    [
        ['export', 'out.onnx', '--weights', '{}'],
        ['convert', 'PRN.pth.tar', 'out.safetensors', '--format', 'prn', '--network', '{}'],
        ['pack', 'out.safetensors', '--network', '{}'],
        ['train', 'keypoints', '--images', '{images}', '--annotations', '{labels}', '--folder', 'run', '--start', '{}'],
        ['calibrate', 'out.safetensors', '--images', '.', '--annotations', 'a.json', '--weights', '{}'],
        ['ablate', 'grouping', '--labels', 'a.json', '--json', 'out.json', '--weights', '{}'],
    ],
)
def test_what_is_not_theirs_says_so(network, arguments, small_dataset, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = {'images': small_dataset.images, 'labels': small_dataset.annotations}
    assert main([argument.format(network, **data) for argument in arguments]) == 2
    said = capsys.readouterr().err
    assert f'{network} is a network of others: only weights of mpn_ros can be' in said or (
        f'{network} is not a training checkpoint of mpn: it holds something else' in said
    )
    assert 'Traceback' not in said


def test_several_looks_need_heatmaps(network, small_dataset, tmp_path, capsys):
    assert (
        main(
            [
                'eval',
                '--images',
                str(small_dataset.images),
                '--annotations',
                str(small_dataset.annotations),
                '--json',
                str(tmp_path / 'f.json'),
                '--weights',
                str(network),
                '--flip',
            ]
        )
        == 2
    )
    assert "backend 'eager' does not run network.onnx" in capsys.readouterr().err
