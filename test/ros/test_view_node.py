"""``mpn view`` over the real middleware: what the node answers is on the page."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
pytest.importorskip('mpn_ros.msg', reason='the messages of mpn_ros are not built here')

from mpn_ros.parameters import Parameters  # noqa: E402
from mpn_ros.ros.view_node import ViewNode, image_topics  # noqa: E402
from mpn_ros.view.channel import Channel, FrameState  # noqa: E402

pytestmark = pytest.mark.ros
ROOT = Path(__file__).resolve().parents[2]


def look_on(robot, **parameters: object) -> dict[str, Channel]:
    """The channels of a view with these parameters."""
    settings = Parameters(**parameters)
    channels = {topic: Channel() for topic in image_topics(settings).values()}
    robot.run(ViewNode(settings, channels))
    return channels


def watch(channel: Channel, send, until) -> FrameState:
    """Sends images until an answer with a mask is shown; the first ones may be lost while the nodes find each other."""

    def answered():
        send()
        shown = channel.wait(0, 0.1)
        return shown if shown.frame is not None and shown.frame.mask is not None else None

    return until(answered)


def test_picture_people_and_mask_are_of_one_image(robot, until):
    robot.start()
    channels = look_on(robot)
    shown = watch(channels['image_raw'], robot.camera(), until)
    frame = shown.frame
    assert frame.size == (40, 30) and (frame.mask == 1).sum() == 3, 'the box begins below the first row of the mask'
    (person,) = frame.people
    assert person.score == pytest.approx(100 / 255) and not person.visible[5]
    assert (frame.picture().array == 100).all()
    assert frame.age > 1e9, 'the images of the test are stamped in 1970'
    assert shown.silence < 5


def test_each_camera_has_its_own(robot, until):
    robot.start(cameras=['left', 'right'])
    channels = look_on(robot, cameras=('left', 'right'))
    right = robot.camera('/right/image_raw')
    watch(channels['right/image_raw'], lambda: right(200), until)
    assert channels['left/image_raw'].wait(0, 0).number == 0
    assert (channels['right/image_raw'].wait(0, 0).frame.picture().array == 200).all()


def test_images_that_nobody_answers_are_known_to_come(robot, until):
    channels = look_on(robot)
    from sensor_msgs.msg import Image

    publisher = robot.tester.create_publisher(Image, '/image_raw', 10)

    def came():
        publisher.publish(Image())
        return channels['image_raw'].wait(0, 0.05).silence is not None

    until(came)
    assert channels['image_raw'].wait(0, 0).frame is None


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_it_is_told_to_end(number):
    path = os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')])
    process = subprocess.Popen(
        [sys.executable, '-m', 'mpn_ros.cli', 'view', '--port', '0'],
        cwd=ROOT,
        text=True,
        stderr=subprocess.PIPE,
        env={**os.environ, 'PYTHONPATH': path},
    )
    # The middleware may warn first: of both names of its variable in the environment.
    line = next(line for line in process.stderr if not line.startswith('[WARN]'))
    assert re.fullmatch(r'mpn view: http://127.0.0.1:\d+/ shows the cameras; Ctrl-C ends it\n', line)
    process.send_signal(number)
    assert process.wait(60) == 0, process.stderr.read()
