"""``mpn bench`` from images to rows."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from mpn_ros.cli import main

SKIER = Path(os.environ.get('MPN_DATA', ''), 'coco/dev/images/000000000785.jpg')


@pytest.mark.skipif(not SKIER.is_file(), reason=f'{SKIER} is not in the folder that MPN_DATA names')
def test_rows_of_a_real_person(tmp_path, capsys):
    (tmp_path / 'images').mkdir()
    cv2.imwrite(str(tmp_path / 'images' / 'skier.png'), cv2.imread(str(SKIER)))
    out = tmp_path / 'rows.json'
    assert (
        main(
            [
                'bench',
                '--images',
                str(tmp_path / 'images'),
                '--people',
                '1',
                '--cameras',
                '1',
                '2',
                '--repeats',
                '1',
                '--backends',
                'nonsense',
                'eager',
                '--device',
                'cpu',
                '--precision',
                'fp32',
                '--json',
                str(out),
            ]
        )
        == 0
    )
    said = capsys.readouterr().out
    assert 'nonsense is left out' in said and '| eager | float32 | 2 | 1 |' in said
    rows = json.loads(out.read_text())
    assert all(
        {
            'device',
            'backend',
            'preset',
            'shape',
            'dtype',
            'batch',
            'people',
            'cameras',
            'stage',
            'p50_ms',
            'p99_ms',
            'fps',
        }
        <= set(row)
        for row in rows
    )
    (total,) = (row for row in rows if (row['stage'], row['batch']) == ('total', 1))
    assert (total['shape'], total['people'], total['people_found'], total['backend']) == ('288x384', 1, 1, 'eager')
    floor, of_two = (row for row in rows if row['stage'] == 'floor')
    assert floor['p50_ms'] < total['p50_ms'] and floor['multiply_adds'] > 1e9
    assert (floor['batch'], of_two['batch']) == (1, 2) and of_two['p50_ms'] > 1.5 * floor['p50_ms']
    (network,) = (row for row in rows if (row['stage'], row['batch']) == ('network', 2))
    assert of_two['fraction'] == pytest.approx(of_two['p50_ms'] / network['p50_ms'], rel=0.01)


@pytest.mark.parametrize(
    ('options', 'said'),
    [
        (['--people', '0'], '--people must be 1 to 40, not 0'),
        (['--people', '1', '41'], 'must be 1 to 40, not 41'),
        (['--cameras', '33'], '--cameras must be 1 to 32, not 33'),
        (['--repeats', '0'], '--repeats'),
        (['--size', '640'], "--size must be WIDTHxHEIGHT .* not '640'"),
        (['--images', 'nowhere'], 'nowhere does not exist'),
    ],
)
def test_wrong_options_end_in_a_sentence(tmp_path, capsys, options, said):
    cv2.imwrite(str(tmp_path / 'grey.png'), np.full((64, 64, 3), 99, np.uint8))
    images = [] if '--images' in options else ['--images', str(tmp_path)]
    assert main(['bench', *images, *options]) == 2
    error = capsys.readouterr().err
    assert re.search(said, error) and error.count('\n') == 1
