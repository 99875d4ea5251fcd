"""The SROS2 policy that ships: it allows what the node does, and nothing else is done."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
pytest.importorskip('vision_msgs', reason='vision_msgs is not installed here')
pytest.importorskip('mpn_ros.msg', reason='the messages of mpn_ros are not built here')

pytestmark = pytest.mark.ros

POLICY = Path(__file__).resolve().parents[2] / 'config' / 'sros2' / 'pose.policy.xml'


def allowed(kind: str, permission: str) -> set[str]:
    """Full names of what the policy allows."""
    names = [element.text for group in ElementTree.parse(POLICY).iter(f'{kind}s') if group.get(permission) == 'ALLOW'
             for element in group]
    return {name.replace('~', '/pose') if name[0] in '/~' else f'/{name}' for name in names}


@pytest.mark.parametrize('transport', ['raw', 'compressed'])
def test_the_node_has_no_topic_and_no_service_that_the_policy_does_not_name(robot, transport):
    node = robot.start(image_transport=transport)
    look = robot.tester
    assert {name for name, _ in look.get_publisher_names_and_types_by_node('pose', '/')} <= allowed('topic', 'publish')
    assert {name for name, _ in node.get_subscriber_names_and_types_by_node('pose', '/')} <= allowed(
        'topic', 'subscribe')
    assert {name for name, _ in node.get_service_names_and_types_by_node('pose', '/')} <= allowed('service', 'reply')
    assert not node.get_client_names_and_types_by_node('pose', '/')
