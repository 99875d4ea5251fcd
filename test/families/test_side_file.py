"""The file beside a network."""

from __future__ import annotations

import json

import pytest

from mpn_ros.errors import WeightsError
from mpn_ros.families.side_file import SideFile, read_side_file

ALL = {
    'input_size': [640, 480],
    'mean': [1, 2, 3],
    'std': [4, 5, 6],
    'channel_order': 'bgr',
    'keypoints': ['a', 'b'],
    'thresholds': {'person': 0.3, 'people': 5},
    'licence': 'MIT',
}
READ = SideFile((640, 480), (1, 2, 3), (4, 5, 6), 'bgr', ('a', 'b'), {'score_threshold': 0.3, 'max_people': 5}, 'MIT')


def test_all_of_it_is_optional(tmp_path):
    assert read_side_file(tmp_path / 'network.onnx') == SideFile()
    (tmp_path / 'network.json').write_text('{}')
    assert read_side_file(tmp_path / 'network.onnx') == SideFile()


@pytest.mark.parametrize('suffix', ['.json', '.yaml', '.yml'])
def test_what_it_says_is_taken(tmp_path, suffix):
    if suffix != '.json':
        pytest.importorskip('yaml', reason='PyYAML is not installed')
    (tmp_path / f'network{suffix}').write_text(json.dumps(ALL))  # JSON is YAML
    assert read_side_file(tmp_path / 'network.onnx') == READ


@pytest.mark.parametrize(
    'content, sentence',
    [
        ('[1]', 'must hold entries with names'),
        ('{"size": 3}', "has an entry 'size', which is not known; there are input_size, mean"),
        ('{"input_size": true}', "'input_size' must be a number of pixels"),
        ('{"input_size": [640, 480, 3]}', "'input_size' must be"),
        ('{"input_size": 1e9}', "'input_size' must be"),
        ('{"mean": [1, 2]}', "'mean' must be three numbers, not"),
        ('{"std": [1, 0, 1]}', "'std' must be three numbers above 0"),
        ('{"std": "abc"}', "'std' must be"),
        ('{"channel_order": "gbr"}', "'channel_order' must be rgb or bgr, not 'gbr'"),
        ('{"keypoints": "nose"}', "'keypoints' must be a list of names"),
        ('{"thresholds": {"mask": 1}}', "'thresholds' must be numbers by the names person"),
        ('{"licence": 4}', "'licence' must be a line of text"),
        ('{', 'cannot be read'),
        ('"' + 'x' * (1 << 20) + '"', 'is too long'),
    ],
)
def test_what_it_may_not_say_is_named(tmp_path, content, sentence):
    path = tmp_path / 'network.json'
    path.write_text(content)
    with pytest.raises(WeightsError, match=sentence) as raised:
        read_side_file(tmp_path / 'network.onnx')
    assert str(path) in str(raised.value)


def test_yaml_runs_nothing(tmp_path):
    pytest.importorskip('yaml', reason='PyYAML is not installed')
    (tmp_path / 'network.yaml').write_text('licence: !!python/object/apply:os.system ["touch gone"]')
    with pytest.raises(WeightsError, match='is no YAML'):
        read_side_file(tmp_path / 'network.onnx')


def test_two_of_them_are_one_too_many(tmp_path):
    for suffix in ('.json', '.yml'):
        (tmp_path / f'network{suffix}').write_text('{}')
    with pytest.raises(WeightsError, match='network.yml and network.json: keep one'):
        read_side_file(tmp_path / 'network.onnx')


def test_references_that_grow_without_end_are_not_written_out(tmp_path):
    pytest.importorskip('yaml', reason='PyYAML is not installed')
    lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]']
    lines += [f'a{n}: &a{n} [{", ".join([f"*a{n - 1}"] * 9)}]' for n in range(1, 30)]
    (tmp_path / 'network.yaml').write_text('\n'.join(lines) + '\nkeypoints: *a29\n')
    with pytest.raises(WeightsError, match="has an entry 'a0'"):
        read_side_file(tmp_path / 'network.onnx')
    (tmp_path / 'network.yaml').write_text(
        'keypoints:\n'
        + '\n'.join(f'- &b{n} [{", ".join([f"*b{n - 1}"] * 9)}]' if n else '- &b0 [x]' for n in range(30))
    )
    with pytest.raises(WeightsError, match="'keypoints' must be a list of names") as raised:
        read_side_file(tmp_path / 'network.onnx')
    assert len(str(raised.value)) < 500
