"""The node with a network that does not segment: everything but the mask, and it says so."""

from __future__ import annotations

import pytest

pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
pytest.importorskip('vision_msgs', reason='vision_msgs is not installed here')
pytest.importorskip('mpn_ros.msg', reason='the messages of mpn_ros are not built here')

from diagnostic_msgs.msg import DiagnosticArray  # noqa: E402
from mpn_ros.msg import SkeletonArray  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402
from vision_msgs.msg import Detection2DArray  # noqa: E402

pytestmark = pytest.mark.ros


def test_there_is_no_topic_of_masks_and_diagnostics_say_why(robot, stub, until):
    pipeline = stub()
    pipeline.segments = False
    robot.start(pipeline)
    boxes, people = robot.listen(Detection2DArray, '/detections'), robot.listen(SkeletonArray, '/skeletons')
    overlays, diagnostics = robot.listen(Image, '/overlay'), robot.listen(DiagnosticArray, '/diagnostics')
    robot.camera()(200)
    until(lambda: boxes and people and overlays)
    assert (people[0].image_width, people[0].image_height) == (40, 30) and len(people[0].skeletons) == 1
    for topic in ('/mask', '/label_info'):
        assert not robot.tester.count_publishers(topic), f'{topic} is advertised'
    told = {pair.key: pair.value for pair in until(lambda: diagnostics)[0].status[0].values}
    assert told['mask'] == 'none: the network does not segment'


def test_the_topic_is_there_again_for_a_network_that_segments(robot, stub, until):
    pipeline = stub()
    pipeline.segments = False
    robot.start(pipeline)
    robot.transition('deactivate'), robot.transition('cleanup')
    pipeline.segments = True
    robot.transition('configure'), robot.transition('activate')
    masks = robot.listen(Image, '/mask')
    robot.camera()(200)
    until(lambda: masks)
