"""The node with a network that does not segment: everything but the mask, and it says so."""

from __future__ import annotations

import numpy as np
import pytest

from mpn_ros.parameters import Parameters
from mpn_ros.ros.pipeline import load_pipeline

pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
pytest.importorskip('vision_msgs', reason='vision_msgs is not installed here')
pytest.importorskip('mpn_ros.msg', reason='the messages of mpn_ros are not built here')

from diagnostic_msgs.msg import DiagnosticArray  # noqa: E402
from mpn_ros.msg import SkeletonArray  # noqa: E402
from sensor_msgs.msg import CameraInfo, Image  # noqa: E402
from vision_msgs.msg import Detection2DArray  # noqa: E402
from visualization_msgs.msg import MarkerArray  # noqa: E402

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
    for topic in ('/mask', '/label_info', '/instance_mask', '/instance_label_info'):
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


def test_a_network_of_others_gives_ids_and_markers(robot, until, save):
    """An end-to-end network that sees one person wherever it looks, as the node loads it."""
    rows = np.zeros((1, 300, 57), np.float32)
    rows[0, 0, :5] = 16, 16, 32, 48, 0.9
    rows[0, 0, 6:] = np.tile([24, 32, 0.8], 17)
    path = save({'out': rows}, [1, 3, 64, 64])
    robot.start(load_pipeline(Parameters(weights=str(path), precision='fp32')))
    people, drawn = robot.listen(SkeletonArray, '/skeletons'), robot.listen(MarkerArray, '/markers')
    diagnostics = robot.listen(DiagnosticArray, '/diagnostics')
    send = robot.camera(size=(40, 30))
    info = robot.tester.create_publisher(CameraInfo, '/camera_info', 1)
    until(info.get_subscription_count)
    info.publish(CameraInfo(width=40, height=30, k=[50.0, 0.0, 20.0, 0.0, 50.0, 15.0, 0.0, 0.0, 1.0]))
    until(lambda: send(200) and drawn and len(people) > 1)
    (skeleton,) = people[-1].skeletons
    # 40x30 pixels lie in 64x64 of the network's, 1.6 for each.
    assert skeleton.id == 1 and skeleton.box.tolist() == pytest.approx([10, 10, 20, 30])
    assert (skeleton.keypoints[0].x, skeleton.keypoints[0].y) == pytest.approx((15, 20))
    told = {pair.key: pair.value for pair in until(lambda: diagnostics)[0].status[0].values}
    assert told['network'].startswith(f'{path}: YOLO-pose, end to end') and told['weights'] == 'network.onnx'
