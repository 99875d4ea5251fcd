"""Each person's own pixels over the middleware: only for those who listen, under the image's header."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
pytest.importorskip('vision_msgs', reason='vision_msgs is not installed here')
pytest.importorskip('mpn_ros.msg', reason='the messages of mpn_ros are not built here')

from mpn_ros.msg import SkeletonArray  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402
from vision_msgs.msg import LabelInfo  # noqa: E402

import mpn_ros.instances  # noqa: E402

pytestmark = pytest.mark.ros


def test_a_pixel_has_the_number_of_the_person_in_skeletons(robot, until):
    robot.start()
    people, masks = robot.listen(SkeletonArray, '/skeletons'), robot.listen(Image, '/instance_mask')
    infos = robot.listen(LabelInfo, '/instance_label_info', latched=True)
    sent = robot.camera()(200)
    until(lambda: people and masks and infos)
    (mask,) = masks
    assert mask.header == people[0].header == sent.header and mask.encoding == 'mono8'
    pixels = np.frombuffer(mask.data, np.uint8).reshape(30, 40)
    assert (pixels[1:3, 2:5] == np.array([[0], [1]])).all() and pixels.sum() == 3, 'the box begins at row 2'
    names = {entry.class_id: entry.class_name for entry in infos[0].class_map}
    assert names[0] == 'background' and names[1] == 'person 1' and len(names) == 256


def test_nobody_listening_costs_nothing_and_publish_mask_turns_it_off(robot, until, monkeypatch):
    made = []
    make = mpn_ros.instances.instance_mask
    monkeypatch.setattr(mpn_ros.instances, 'instance_mask', lambda *given: made.append(1) or make(*given))
    robot.start()
    people, send = robot.listen(SkeletonArray, '/skeletons'), robot.camera()
    until(lambda: send(200) and len(people) > 2)
    assert not made
    masks = robot.listen(Image, '/instance_mask')
    until(lambda: send(200) and masks)
    assert made and robot.set('publish_mask', False).successful
    until(lambda: send(200) and people)
    count = len(people)
    until(lambda: send(200) and len(people) > count + 3)
    before, count = len(made), len(people)
    until(lambda: send(200) and len(people) > count + 3)
    assert len(made) == before
