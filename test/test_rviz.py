"""The RViz layouts that ship, as far as they can be judged without RViz: it passes over what it does not know in
silence."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

yaml = pytest.importorskip('yaml', reason='PyYAML is not installed here')

ROOT = Path(__file__).resolve().parents[1]
LAYOUTS = sorted((ROOT / 'rviz').glob('*.rviz'))
DISPLAYS = {f'rviz_default_plugins/{name}' for name in ('Camera', 'Grid', 'Image', 'MarkerArray', 'TF')}
"""Those of RViz's own that we use, by the names in its plugins_description.xml since Humble."""
TOPICS = {'image_raw': 'Camera', 'markers': 'MarkerArray', 'overlay': 'Image', 'mask': 'Image'}
"""Our topics, and what shows each."""


@pytest.fixture(params=LAYOUTS, ids=lambda path: path.name)
def layout(request) -> dict:
    return yaml.safe_load(request.param.read_text())


def manager(layout: dict) -> dict:
    return layout['Visualization Manager']


def test_displays_are_rvizs_own_and_show_topics_that_there_are(layout):
    displays = manager(layout)['Displays']
    assert {display['Class'] for display in displays} <= DISPLAYS
    assert all(display['Enabled'] for display in displays)
    shown = {
        display['Topic']['Value']: display['Class'].rpartition('/')[2] for display in displays if 'Topic' in display
    }
    assert shown == TOPICS


def test_topics_follow_the_namespace_and_match_the_qualities_of_the_node(layout):
    for display in manager(layout)['Displays']:
        if topic := display.get('Topic'):
            assert not topic['Value'].startswith('/')
            assert topic['Durability Policy'] == 'Volatile', 'a transient local listener does not match our senders'
            assert topic['Reliability Policy'] == ('Reliable' if topic['Value'] == 'markers' else 'Best Effort')


def test_every_picture_has_its_place_in_the_window(layout):
    """Qt's state names the docks, as UTF-16; without it RViz stacks them as thumbnails."""
    window = layout['Window Geometry']
    state = bytes.fromhex(window['QMainWindow State'])
    docks = {
        display['Name']
        for display in manager(layout)['Displays']
        if display['Class'].rpartition('/')[2] in ('Camera', 'Image')
    } | {'Displays'}
    assert all(name.encode('utf-16-be') in state for name in docks)
    assert docks <= set(window), 'and each is said to be open'


def test_the_camera_shows_people_and_not_their_frames(layout):
    displays = {display['Name']: display for display in manager(layout)['Displays']}
    visible = displays['Camera']['Visibility']
    assert set(visible) - {'Value'} <= set(displays) and visible['People'] and not visible.get('TF', False)


def test_without_tf_the_fixed_frame_is_the_clip_players(layout):
    frame = manager(layout)['Global Options']['Fixed Frame']
    if 'TF' in {display['Name'] for display in manager(layout)['Displays']}:
        assert frame == 'base_link'
        return
    tree = ast.parse((ROOT / 'mpn_ros' / 'testing' / 'clip_player.py').read_text())
    assert frame in {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}


def test_a_layout_for_a_camera_alone_looks_along_its_axis():
    view = manager(yaml.safe_load((ROOT / 'rviz' / 'pose.rviz').read_text()))['Views']['Current']
    assert view['Focal Point'] == {'X': 0, 'Y': 0, 'Z': 3}, 'where people without a position are drawn'
    assert view['Pitch'] < -1 and view['Yaw'] == pytest.approx(3 * 3.1416 / 2, abs=0.01), 'y down, z forward'
