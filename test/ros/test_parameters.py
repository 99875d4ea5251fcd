"""One table: the shipped YAML and the documentation say what the node declares."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpn_ros.errors import ParameterError
from mpn_ros.ros import parameters
from mpn_ros.ros.parameters import BEGIN, END, SPECS, Parameters

ROOT = Path(__file__).resolve().parents[2]


def test_the_yaml_is_up_to_date():
    assert (ROOT / 'config' / 'pose.yaml').read_text() == parameters.to_yaml(), 'run python -m mpn_ros.ros.parameters'


def test_the_documentation_is_up_to_date():
    page = (ROOT / 'docs' / 'interface.md').read_text()
    assert page.split(BEGIN)[1].split(END)[0] == parameters.to_markdown(), 'run python -m mpn_ros.ros.parameters'


def test_the_yaml_holds_every_default():
    yaml = pytest.importorskip('yaml', reason='PyYAML is not installed here')
    values = yaml.safe_load(parameters.to_yaml())['/**']['ros__parameters']
    assert list(values) == list(SPECS)
    assert Parameters(**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}) == Parameters()


@pytest.mark.parametrize('bad, says', [
    ({'nms_threshold': -.1}, '0 to 1'), ({'nms_threshold': float('nan')}, '0 to 1'),
    ({'input_size': 33}, 'multiples of 32'), ({'grouper': 'none'}, 'prn, max, ucr'), ({'cameras': ()}, 'once'),
    ({'cameras': ('a b',)}, 'topic names'),
    ({'image_topic': '2nd/image'}, 'topic names'), ({'image_topic': ''}, 'topic names'),
    ({'cameras': ('/a',)}, 'topic names'),
    ({'cameras': ('a', 'b'), 'image_topic': '/image'}, "'/image'")])
def test_values_out_of_range_are_refused(bad, says):
    with pytest.raises(ParameterError, match=says):
        Parameters(**bad)


def test_the_defaults_are_the_pipeline_s_own():
    from mpn_ros.pipeline.pipeline import Thresholds
    from mpn_ros.ros.pipeline import thresholds
    assert thresholds(Parameters()) == Thresholds()
