"""The examples that people copy, played synthetic people over the middleware."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
pytest.importorskip('mpn_ros.msg', reason='the messages of mpn_ros are not built here')

from geometry_msgs.msg import Point, Twist  # noqa: E402
from mpn_ros.msg import Keypoint, Keypoint3D, Skeleton, Skeleton3D, Skeleton3DArray, SkeletonArray  # noqa: E402
from std_msgs.msg import Int32  # noqa: E402

pytestmark = pytest.mark.ros

FOLDER = Path(__file__).resolve().parents[2] / 'examples'


def load(name: str):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def follow(robot, until):
    """``follow(*places)``: the newest command to the robot once people stand at these x, z metres."""
    robot.run(load('follow_nearest').FollowNearest())
    commands = robot.listen(Twist, '/cmd_vel')
    publisher = robot.tester.create_publisher(Skeleton3DArray, '/skeletons_3d', 10)
    until(publisher.get_subscription_count)

    def send(*places: tuple[float, float], valid: bool = True, age: float = 0.0) -> Twist:
        people = Skeleton3DArray()
        stamp = robot.tester.get_clock().now().nanoseconds - round(age * 1e9)
        people.header.stamp.sec, people.header.stamp.nanosec = divmod(stamp, 10**9)
        people.skeletons = [
            Skeleton3D(torso=Keypoint3D(position=Point(x=x, y=0.0, z=z), valid=valid)) for x, z in places
        ]
        publisher.publish(people)
        count = len(commands)
        until(lambda: len(commands) > count + 2)
        return commands[-1]

    send.commands = commands
    return send


def test_the_robot_drives_to_the_nearest_person_and_turns_to_them(follow):
    ahead = follow((0.0, 3.0))
    assert 0 < ahead.linear.x <= 0.5 and ahead.angular.z == 0
    right = follow((1.0, 3.0), (-1.0, 5.0))
    assert right.angular.z < 0 < right.linear.x
    assert follow((-1.0, 3.0), (1.0, 5.0)).angular.z > 0


def test_the_robot_keeps_its_distance(follow):
    assert follow((0.0, 1.5)).linear.x == 0
    assert follow((0.0, 0.5)).linear.x < 0


@pytest.mark.parametrize(
    'nobody',
    [
        {'places': ()},
        {'places': ((0.0, 3.0),), 'valid': False},
        {'places': ((0.0, 3.0),), 'age': 2.0},
        {'places': ((0.0, 3.0),), 'age': -2.0},
    ],
)
def test_the_robot_stops_when_nobody_is_known_to_be_there(follow, nobody):
    nobody = dict(nobody)
    assert follow((1.0, 3.0)).linear.x
    assert follow(*nobody.pop('places'), **nobody) == Twist()


def test_the_robot_stops_when_answers_cease(follow, until):
    assert follow((0.0, 3.0)).linear.x
    until(lambda: follow.commands[-1] == Twist())


def test_the_robot_stops_when_the_program_is_ended(robot, ros_domain, until):
    environment = {key: value for key, value in os.environ.items() if key != '_ROS_WHEELS_BOOTSTRAP_COMPLETE'}
    process = subprocess.Popen(
        [sys.executable, FOLDER / 'follow_nearest.py'], env={**environment, 'ROS_DOMAIN_ID': str(ros_domain)}
    )
    try:
        commands = robot.listen(Twist, '/cmd_vel')
        publisher = robot.tester.create_publisher(Skeleton3DArray, '/skeletons_3d', 10)
        until(publisher.get_subscription_count)
        people = Skeleton3DArray(
            skeletons=[Skeleton3D(torso=Keypoint3D(position=Point(x=0.0, y=0.0, z=3.0), valid=True))]
        )
        people.header.stamp = robot.tester.get_clock().now().to_msg()
        publisher.publish(people)
        until(lambda: commands and commands[-1].linear.x)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        until(lambda: commands[-1] == Twist())
    finally:
        process.kill()


def skeleton(id: int, wrist: float | None) -> Skeleton:
    """Somebody whose left wrist is at this height in pixels, beside a shoulder at 100 and an elbow at 90."""
    person = Skeleton(id=id, score=0.9)
    for keypoint, x, y in (
        (Keypoint.LEFT_SHOULDER, 50.0, 100.0),
        (Keypoint.LEFT_ELBOW, 80.0, 90.0),
        (Keypoint.LEFT_WRIST, 85.0, wrist),
    ):
        if y is not None:
            person.keypoints[keypoint] = Keypoint(x=x, y=y, score=0.8, seen=True)
    return person


@pytest.fixture
def play(robot, until):
    """``play(*wrists)`` plays a second of people whose wrists are there to the example, at 10 Hz of their own time; the
    ids of those who have been told since the start."""
    robot.run(load('raised_hand').RaisedHand())
    events = robot.listen(Int32, '/hand_raised')
    publisher = robot.tester.create_publisher(SkeletonArray, '/skeletons', 10)
    until(publisher.get_subscription_count)
    now = 0

    def send(*wrists: float | None, seconds: float = 1.0, start: float | None = None) -> list[int]:
        nonlocal now
        now = now if start is None else round(start * 10)
        for _ in range(round(seconds * 10)):
            now += 1
            people = SkeletonArray(skeletons=[skeleton(id, wrist) for id, wrist in enumerate(wrists)])
            people.header.stamp.sec, people.header.stamp.nanosec = now // 10, now % 10 * 10**8
            publisher.publish(people)
            time.sleep(0.01)
        time.sleep(0.2)
        return [event.data for event in events]

    return send


def test_a_raised_hand_is_told_once_for_each_raising(play):
    assert play(120.0) == []
    assert play(40.0) == [0]
    assert play(40.0) == [0]
    assert play(120.0, seconds=0.2) == [0]
    assert play(40.0, 40.0) == [0, 0, 1]


@pytest.mark.parametrize('wrist', [120.0, 95.0, 89.0, None])
def test_what_is_no_raised_hand_is_not_told(play, wrist):
    assert play(wrist) == []


def test_a_hand_that_goes_up_for_a_moment_is_not_told(play):
    assert play(40.0, seconds=0.3) == play(120.0) == []


def test_unsure_keypoints_raise_nothing():
    raises_hand = load('raised_hand').raises_hand
    assert raises_hand(skeleton(0, 40.0), min_score=0.3) and not raises_hand(skeleton(0, 40.0), min_score=0.9)


def test_time_may_go_back(play):
    assert play(40.0, seconds=0.3, start=100.0) == []
    assert play(40.0, seconds=0.3, start=5.0) == [], 'the hand was not up in between'
    assert play(40.0, seconds=0.5) == [0]


def test_the_examples_are_short():
    for path in FOLDER.glob('*.py'):
        assert len(path.read_text().splitlines()) < 120, path
