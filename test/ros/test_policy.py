"""The SROS2 policy that ships: it allows what the node does, and nothing else is done."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
pytest.importorskip('vision_msgs', reason='vision_msgs is not installed here')
pytest.importorskip('mpn_ros.msg', reason='the messages of mpn_ros are not built here')

pytestmark = pytest.mark.ros

ROOT = Path(__file__).resolve().parents[2]
POLICY = ROOT / 'config' / 'sros2' / 'pose.policy.xml'


def allowed(kind: str, permission: str) -> set[str]:
    """Full names of what the policy allows."""
    names = [
        element.text
        for group in ElementTree.parse(POLICY).iter(f'{kind}s')
        if group.get(permission) == 'ALLOW'
        for element in group
    ]
    return {name.replace('~', '/pose') if name[0] in '/~' else f'/{name}' for name in names}


FORMS = {
    'raw': {},
    'compressed': {'image_transport': 'compressed'},
    'depth': {'depth_topic': 'depth/image_raw'},
    'simulation': {'use_sim_time': True},
}
"""Parameters by which the node has other topics."""

OPTIONAL = {'/tf': 'tf2_msgs', '/annotations': 'foxglove_msgs'}
"""Topics that there are only with a package."""
HAS_FRAMES = importlib.util.find_spec('tf2_msgs') is not None
if HAS_FRAMES:
    FORMS['depth']['publish_tf'] = True


def made(node, look) -> dict[tuple[str, str], set[str]]:
    """What the node has, as others see it and as it sees itself, by kind and permission."""
    lists = {
        ('topic', 'publish'): look.get_publisher_names_and_types_by_node,
        ('topic', 'subscribe'): node.get_subscriber_names_and_types_by_node,
        ('service', 'reply'): node.get_service_names_and_types_by_node,
        ('service', 'request'): node.get_client_names_and_types_by_node,
    }
    return {key: {name for name, _ in names('pose', '/')} for key, names in lists.items()}


@pytest.mark.parametrize('form', FORMS)
def test_the_node_has_no_topic_and_no_service_that_the_policy_does_not_name(robot, form):
    for (kind, permission), names in made(robot.start(**FORMS[form]), robot.tester).items():
        assert names <= allowed(kind, permission), f'{kind}s that it may not {permission}'


def test_the_policy_allows_nothing_that_the_node_never_does(robot):
    parameters = {**FORMS['depth'], **FORMS['simulation']}
    for (kind, permission), names in made(robot.start(**parameters), robot.tester).items():
        missing = {topic for topic, package in OPTIONAL.items() if importlib.util.find_spec(package) is None}
        unused = allowed(kind, permission) - names - {'/image_raw/compressed'} - missing
        assert not unused, f'{kind}s that it need not {permission}'


@pytest.mark.parametrize(('keys', 'says'), [(False, 'enclaves/pose'), (True, 'security')])
def test_where_security_cannot_be_had_the_node_does_not_start_without(tmp_path, keys, says):
    """Without keys; or with a folder for them, on a middleware that was built without security, or that finds none."""
    if keys:
        (tmp_path / 'enclaves' / 'pose').mkdir(parents=True)
    environment = {key: value for key, value in os.environ.items() if key != '_ROS_WHEELS_BOOTSTRAP_COMPLETE'}
    environment |= {
        'ROS_SECURITY_ENABLE': 'true',
        'ROS_SECURITY_STRATEGY': 'Enforce',
        'ROS_SECURITY_KEYSTORE': str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, '-m', 'mpn_ros.ros.pose_node', '--ros-args', '--enclave', '/pose'],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2 and 'Traceback' not in done.stderr
    assert says in done.stderr, done.stderr
