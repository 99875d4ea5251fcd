"""``mpn ablate grouping`` as a user calls it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('onnx', reason='MoveNet is read with onnx: pip install onnx')
pytest.importorskip('pycocotools', reason='evaluation needs pycocotools: pip install pycocotools')

from mpn_ros.cli import main  # noqa: E402
from mpn_ros.evaluation.movenet import MoveNet  # noqa: E402

MOVENET = Path(os.environ.get('MPN_DATA', ''), 'teachers/movenet-multipose.onnx')


def write_labels(path: Path) -> None:
    random = np.random.default_rng(0)
    centre = random.uniform(0.3, 0.7, (12, 2))
    np.savez(
        path,
        image_id=np.arange(12) // 2,
        image_size=np.full((12, 2), 400),
        box=np.concatenate([centre, np.full((12, 2), 0.4)], 1),
        xy=centre[:, None] + random.uniform(-0.2, 0.2, (12, 17, 2)),
        visibility=np.full((12, 17), 2),
    )


def test_labels_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels, out = tmp_path / 'labels.npz', tmp_path / 'out.json'
    write_labels(labels)
    assert main(['ablate', 'grouping', '--labels', str(labels), '--json', str(out)]) == 0
    figures = json.loads(out.read_text())
    assert figures['weights'].endswith('lite.safetensors')
    rows = figures['rows']
    assert [(row['given'], row['grouper']) for row in rows] == [
        (given, grouper)
        for given in ('true peaks, true boxes', 'simulated detectors')
        for grouper in ('PRN', 'UCR', 'Max')
    ]
    printed = capsys.readouterr().out.splitlines()
    assert f'{100 * rows[0]["figures"]["all"]["AP"]:.1f}' in printed[1].split()
    assert f'{100 * rows[0]["joints"]["own"]:.1f}' in printed[1].split()


def test_images_give_four_mixtures(small_dataset, tmp_path: Path) -> None:
    out = tmp_path / 'out.json'
    words = ['--images', str(small_dataset.images), '--annotations', str(small_dataset.annotations)]
    assert main(['ablate', 'grouping', *words, '--input-size', '64', '--backend', 'eager', '--json', str(out)]) == 0
    rows = json.loads(out.read_text())['rows']
    assert len(rows) == 4 * 3
    assert rows[0]['given'] == 'true peaks, true boxes' and rows[0]['figures']['all']['AP'] > 0.9
    assert all('joints' not in row for row in rows), 'whose the joints are is not known on images'


@pytest.mark.parametrize(
    ('words', 'sentence'),
    [
        ([], 'needs --labels, or --images'),
        (['--images', 'a'], 'need each other'),
        (['--labels', 'a.json', '--movenet', 'b.onnx'], '--movenet needs --images'),
        (['--labels', 'a.npz'], 'a.npz'),
    ],
)
def test_what_is_missing_is_said(
    words: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(['ablate', 'grouping', *words, '--json', str(tmp_path / 'out.json')]) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.skipif(not MOVENET.is_file(), reason=f'{MOVENET} is not in the folder that MPN_DATA names')
def test_movenets_keypoints_are_among_the_peaks_of_its_heatmaps() -> None:
    """Each keypoint that it answers for a person on a picture is at one of its peaks, or within a cell of it."""
    images = sorted(Path(os.environ['MPN_DATA'], 'coco/dev/images').iterdir())
    from mpn_ros.media import read_image

    image, movenet = read_image(images[0]), MoveNet(MOVENET, 384)
    peaks, [best, *_] = movenet.peaks(image, 'bgr'), movenet(image, 'bgr').people
    sure = best.keypoints[:, 2] > 0.4
    assert sure.any()
    distance = np.linalg.norm(peaks[sure, :, :2] - best.keypoints[sure, None, :2], axis=-1).min(1)
    assert np.median(distance) < 4 * max(image.shape) / 384
