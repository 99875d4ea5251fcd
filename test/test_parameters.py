"""One table: the shipped YAML and the documentation say what the node declares."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mpn_ros import parameters
from mpn_ros.errors import ParameterError
from mpn_ros.parameters import BEGIN, DEFAULTS, END, SPECS, Parameters

ROOT = Path(__file__).resolve().parents[1]


def test_the_yaml_is_up_to_date():
    assert (ROOT / 'config' / 'pose.yaml').read_text() == parameters.to_yaml(), 'run python -m mpn_ros.parameters'


def test_the_documentation_is_up_to_date():
    page = (ROOT / 'docs' / 'interface.md').read_text()
    assert page.split(BEGIN)[1].split(END)[0] == parameters.to_markdown(), 'run python -m mpn_ros.parameters'


def test_every_number_has_a_range_and_every_parameter_a_sentence():
    for name, spec in SPECS.items():
        assert spec.description.endswith('.'), name
        if isinstance(DEFAULTS[name], (int, float)) and not isinstance(DEFAULTS[name], bool):
            assert spec.bounds is not None, f'{name} has no range'
            first, last = spec.bounds
            assert first <= DEFAULTS[name] <= last


def written() -> list[tuple[str, dict]]:
    """Every set of the node's parameters that is written down in this package, with where it stands."""
    yaml = pytest.importorskip('yaml', reason='PyYAML is not installed here')
    texts = [(path.name, path.read_text()) for path in sorted((ROOT / 'config').glob('*.yaml'))]
    for page in [ROOT / 'README.md', *sorted((ROOT / 'docs').glob('*.md'))]:
        texts += [(page.name, block) for block in re.findall(r'```yaml\n(.*?)```', page.read_text(), re.DOTALL)]
    nodes = [(where, node['ros__parameters']) for where, text in texts for node in yaml.safe_load(text).values()]
    assert len(nodes) > 1, 'config/pose.yaml, and an example in the documentation at least'
    return nodes


def test_every_yaml_names_parameters_that_exist_and_values_that_are_allowed():
    for where, values in written():
        values = {name: value for name, value in values.items() if name not in ('qos_overrides', 'use_sim_time')}
        assert set(values) <= set(SPECS), where
        Parameters(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


def test_every_value_in_the_documentation_is_of_a_parameter_or_a_launch_argument():
    launch = ' '.join(path.read_text() for path in (ROOT / 'launch').glob('*.py'))
    named = [
        line
        for page in [ROOT / 'README.md', *(ROOT / 'docs').glob('*.md')]
        for line in page.read_text().splitlines()
        if 'mpn_ros' in line and 'launch.py' in line
    ]
    arguments = set(
        re.findall(r'(\w+):=', ' '.join(re.sub(r'`[^`]*(rs_launch|zed_camera)[^`]*`', '', line) for line in named))
    )
    assert arguments and all(name in SPECS or f"'{name}'" in launch for name in arguments)


def test_the_yaml_holds_every_default():
    yaml = pytest.importorskip('yaml', reason='PyYAML is not installed here')
    values = yaml.safe_load(parameters.to_yaml())['/**']['ros__parameters']
    assert list(values) == list(SPECS)
    assert Parameters(**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}) == Parameters()


@pytest.mark.parametrize(
    'bad, says',
    [
        ({'nms_threshold': -0.1}, '0 to 1'),
        ({'nms_threshold': float('nan')}, '0 to 1'),
        ({'input_size': 33}, 'multiples of 32'),
        ({'grouper': 'none'}, 'prn, max, ucr'),
        ({'cameras': ()}, 'once'),
        ({'cameras': ('a b',)}, 'topic names'),
        ({'image_topic': '2nd/image'}, 'topic names'),
        ({'image_topic': ''}, 'topic names'),
        ({'cameras': ('/a',)}, 'topic names'),
        ({'cameras': ('a', 'b'), 'image_topic': '/image'}, "'/image'"),
    ],
)
def test_values_out_of_range_are_refused(bad, says):
    with pytest.raises(ParameterError, match=says):
        Parameters(**bad)


def test_the_defaults_are_the_pipeline_s_own():
    from mpn_ros.pipeline.pipeline import Thresholds
    from mpn_ros.ros.pipeline import thresholds

    assert thresholds(Parameters()) == Thresholds()
