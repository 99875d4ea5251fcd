"""Four cameras on one node: each is answered in its own namespace, and may come and go."""

from __future__ import annotations

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
pytest.importorskip('vision_msgs', reason='vision_msgs is not installed here')
pytest.importorskip('mpn_ros.msg', reason='the messages of mpn_ros are not built here')

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus  # noqa: E402
from mpn_ros.msg import SkeletonArray  # noqa: E402
from sensor_msgs.msg import CameraInfo, CompressedImage, Image  # noqa: E402
from std_msgs.msg import Header  # noqa: E402
from vision_msgs.msg import Detection2DArray  # noqa: E402
from visualization_msgs.msg import MarkerArray  # noqa: E402

pytestmark = pytest.mark.ros

GREYS = {'front': 60, 'left': 110, 'right': 160, 'rear': 210}
"""The cameras, and the value of all pixels of each."""
OUTPUTS = {
    'detections': Detection2DArray,
    'skeletons': SkeletonArray,
    'mask': Image,
    'overlay': Image,
    'markers': MarkerArray,
}

INFO = CameraInfo(width=40, height=30, k=[50.0, 0.0, 20.0, 0.0, 50.0, 15.0, 0.0, 0.0, 1.0])


def picture(grey: int, transport: str) -> dict[str, object]:
    pixels = np.full((30, 40, 3), grey, np.uint8)
    if transport == 'raw':
        return {'width': 40, 'height': 30, 'step': 120, 'encoding': 'rgb8', 'data': pixels.tobytes()}
    return {'format': f'rgb8; {transport} compressed bgr8', 'data': cv2.imencode(f'.{transport}', pixels)[1].tobytes()}


@pytest.mark.parametrize('transport', ['raw', 'jpeg', 'png'])
def test_four_cameras_at_once_have_four_sets_of_outputs(robot, until, transport):
    compressed = transport != 'raw'
    robot.start(cameras=list(GREYS), image_transport='compressed' if compressed else 'raw')
    kind = CompressedImage if compressed else Image
    topics = {name: f'/{name}/image_raw{"/compressed" if compressed else ""}' for name in GREYS}
    senders = {name: robot.camera(topic, kind) for name, topic in topics.items()}
    calibrations = {name: robot.tester.create_publisher(CameraInfo, f'/{name}/camera_info', 1) for name in GREYS}
    heard = {
        (name, topic): robot.listen(message, f'/{name}/{topic}') for name in GREYS for topic, message in OUTPUTS.items()
    }

    def send_round() -> bool:
        for name, grey in GREYS.items():
            calibrations[name].publish(INFO)
            senders[name](header=Header(frame_id=f'{name}_frame'), **picture(grey, transport))
        return all(heard.values())

    until(send_round)
    for (name, topic), messages in heard.items():
        headers = {(message.markers[0] if topic == 'markers' else message).header.frame_id for message in messages}
        assert headers == {f'{name}_frame'}, f'{name}/{topic} answers another camera'
    for name, grey in GREYS.items():
        scores = [message.skeletons[0].score for message in heard[name, 'skeletons']]
        assert scores == pytest.approx([grey / 255] * len(scores), abs=0.01)


def test_a_camera_that_goes_and_comes_back_holds_no_other_up(robot, until):
    robot.start(cameras=['left', 'right'], diagnostics_period=0.1, camera_timeout=0.5)
    people = {name: robot.listen(SkeletonArray, f'/{name}/skeletons') for name in ('left', 'right')}
    told = robot.listen(DiagnosticArray, '/diagnostics')

    def status() -> SimpleNamespace:
        levels = {one.name.split(': ')[1]: one.level for one in told[-1].status} if told else {}
        return SimpleNamespace(**{'left': None, 'right': None, **levels})

    right = robot.camera('/right/image_raw')
    until(lambda: right(200) and people['right'])
    assert not people['left'], 'has not been there yet'
    left = plug(robot, '/left/image_raw')
    until(lambda: left.send(200) and right(200) and people['left'])
    until(
        lambda: left.send(200) and right(200) and status().left == status().right == DiagnosticStatus.OK,
        tell=lambda: told[-1:],
    )
    robot.tester.destroy_publisher(left.publisher)
    answered = len(people['right'])
    until(lambda: right(200) and (status().left, status().right) == (DiagnosticStatus.STALE, DiagnosticStatus.OK))
    until(lambda: right(200) and len(people['right']) > answered)
    left = plug(robot, '/left/image_raw', size=(64, 48))
    # Answers to the last images of before may still come.
    until(lambda: left.send(200) and people['left'][-1].image_width == 64)
    last = max(index for index, answer in enumerate(people['left']) if answer.image_width == 40)
    before, back = people['left'][last], people['left'][last + 1]
    assert (back.image_width, back.image_height) == (64, 48)
    assert back.skeletons[0].id > before.skeletons[0].id, 'another size is another view'
    until(lambda: left.send(200) and right(200) and status().left == DiagnosticStatus.OK)


def plug(robot, topic: str, size: tuple[int, int] = (40, 30)) -> SimpleNamespace:
    """A camera that can be taken away again: ``send(grey)`` and its ``publisher``."""
    publisher = robot.tester.create_publisher(Image, topic, 10)

    def send(grey: int) -> bool:
        message = Image(width=size[0], height=size[1], step=size[0], encoding='mono8')
        message.header.stamp = robot.tester.get_clock().now().to_msg()
        message.data.frombytes(bytes([grey]) * (size[0] * size[1]))
        publisher.publish(message)
        return True

    return SimpleNamespace(send=send, publisher=publisher)


def test_a_batch_waits_for_another_camera_as_long_as_it_may(robot, stub, until):
    pipeline = stub()
    robot.start(pipeline, cameras=['left', 'right'], batch_wait=1.0, camera_timeout=60.0)
    left, right = robot.camera('/left/image_raw'), robot.camera('/right/image_raw')
    left(10)
    until(lambda: pipeline.batches == [[10]])
    right(20)
    left(30)
    until(lambda: len(pipeline.batches) > 1)
    assert sorted(pipeline.batches[1]) == [20, 30]
    right(40)
    until(lambda: pipeline.batches[2:] == [[40]])
    robot.set('batch_wait', 0.0)
    right(50)
    left(60)
    until(lambda: sorted(sum(pipeline.batches[3:], [])) == [50, 60])


def test_the_backend_that_diagnostics_name_is_the_present_one(robot, stub, until):
    pipeline = stub()
    robot.start(pipeline, diagnostics_period=0.1)
    told = robot.listen(DiagnosticArray, '/diagnostics')

    def backend() -> str:
        return next(pair.value for pair in told[-1].status[0].values if pair.key == 'backend') if told else ''

    until(lambda: backend() == 'stub')
    pipeline.backend.info = 'the next one'
    until(lambda: backend() == 'the next one')


def test_between_two_looks_at_the_whole_people_are_expected_where_they_were(robot, stub, until):
    pipeline = stub()
    robot.start(pipeline, full_look_every=3, refine=8)
    until(lambda: pipeline.warmed)
    assert pipeline.refine == 8
    people, send = robot.listen(SkeletonArray, '/skeletons'), robot.camera()
    for count in range(1, 7):
        send(200)
        until(lambda count=count: len(people) == count)
    assert [boxes is None for boxes in pipeline.expected] == [True, False, False] * 2
    np.testing.assert_allclose(pipeline.expected[1], [[1, 2, 11, 22]], atol=0.5)
