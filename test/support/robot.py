"""A robot for the tests that speak ROS: the node with a pipeline of the test's choice, a camera and its
listeners. A plugin of pytest."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mpn_ros.result import Person, PoseResult


class StubPipeline:
    """Answers each image with one person, or as many as ``people`` is set to, whose score is the image's first value /
    255, after ``delay`` seconds.

    Raises for images whose first value is in ``poison``. Keeps what it was asked. While ``may_run`` is not set, it
    works on what it was asked last.
    """

    def __init__(self, delay: float = 0.0, poison: frozenset[int] = frozenset()) -> None:
        self.delay, self.poison = delay, poison
        self.backend = SimpleNamespace(info='stub')
        self.weights = SimpleNamespace(source='none')
        self.input_size, self.max_batch_size, self.thread_affine = 64, 8, False
        self.thresholds, self.refine, self.default_refine, self.warmed = None, 0, 4, False
        self.segments = True
        self.expected: list[np.ndarray | None] = []
        self.people = 1
        self.batches: list[list[int]] = []
        self.may_run = threading.Event()
        self.may_run.set()

    def warm(self):
        self.warmed = True

    def batch(self, images, channel_order, expected) -> list[PoseResult]:
        assert len(images) == len(channel_order) == len(expected)
        self.expected += expected
        firsts = [int(image[0, 0, 0]) for image in images]
        self.batches.append(firsts)
        assert self.may_run.wait(60)
        time.sleep(self.delay)
        if self.poison & set(firsts):
            raise RuntimeError('poisoned image')
        keypoints = np.full((17, 3), (3, 4, 0.5), np.float32)
        keypoints[5] = np.nan, np.nan, 0
        results = []
        for first, image in zip(firsts, images, strict=True):
            mask = np.zeros(image.shape[:2], np.uint8)
            mask[1:3, 2:5] = 255
            person = Person(np.array([1, 2, 11, 22], np.float32), first / 255, keypoints)
            results.append(PoseResult((person,) * self.people, mask if self.segments else None, image.shape[1::-1]))
        return results


@pytest.fixture
def large_images(monkeypatch):
    """Processes of the test that begin from now on have the shared memory of the profile that ships."""
    profile = Path(__file__).resolve().parents[2] / 'config' / 'fastdds_large_images.xml'
    for variable in ('FASTDDS_DEFAULT_PROFILES_FILE', 'FASTRTPS_DEFAULT_PROFILES_FILE'):
        monkeypatch.setenv(variable, str(profile))


def wait_until(
    condition: Callable[[], object], timeout: float = 60.0, tell: Callable[[], object] | None = None
) -> object:
    """The first true value of ``condition``. Fails the test if there is none in time, with what ``tell`` says; a test
    that passes never waits so long, so it suffices for a busy machine."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.005)
    pytest.fail(f'waited {timeout} s in vain' + (f': {tell()}' if tell else ''))


class Robot:
    """The node under test and a node ``tester``, each with its own executor thread, joined by the real middleware in
    ``domain``."""

    def __init__(self, domain: int) -> None:
        import rclpy
        from rclpy.executors import SingleThreadedExecutor

        import mpn_ros.pipeline.pipeline  # noqa: F401  with torch, which a busy machine loads longer than a test waits

        self._domain = domain
        rclpy.init(domain_id=domain)
        self.tester = rclpy.create_node('tester')
        self._make_executor = SingleThreadedExecutor
        self._threads: list[threading.Thread] = []
        self._nodes: list = []
        self._contexts: list = []
        self._clients: dict = {}
        self._stopping = False
        self.run(self.tester)

    def run(self, node) -> None:
        """Serves a node in a thread of its own until the end."""
        executor = self._make_executor()
        executor.add_node(node)
        thread = threading.Thread(target=self._serve, args=(executor,))
        thread.start()
        self._threads.append(thread)
        self._nodes.append(node)

    def _serve(self, executor) -> None:
        while not self._stopping:
            executor.spin_once(timeout_sec=0.05)

    def start(self, pipeline: object = None, arguments: tuple[str, ...] = (), wait: bool = True, **parameters):
        """The node with these parameters; ``pipeline`` may be an exception that loading it raises."""
        from rclpy.parameter import Parameter

        from mpn_ros.ros.node import PoseNode

        def load(_):
            if isinstance(pipeline, Exception):
                raise pipeline
            return pipeline or StubPipeline()

        parameters.setdefault('use_cv_bridge', False)
        node = PoseNode(
            load,
            parameter_overrides=[Parameter(name, value=value) for name, value in parameters.items()],
            cli_args=['--ros-args', *arguments],
        )
        self.run(node)
        if wait and parameters.get('autostart', True):
            wait_until(lambda: self.state() == 'active')
        return node

    def call(self, kind, name: str, request):
        """The answer of a service."""
        if name not in self._clients:
            self._clients[name] = self.tester.create_client(kind, name)
        assert self._clients[name].wait_for_service(60), f'no service {name}'
        future = self._clients[name].call_async(request)
        wait_until(future.done)
        return future.result()

    def state(self) -> str:
        from lifecycle_msgs.srv import GetState

        return self.call(GetState, '/pose/get_state', GetState.Request()).current_state.label

    def transition(self, label: str) -> bool:
        from lifecycle_msgs.srv import ChangeState

        request = ChangeState.Request()
        request.transition.label = label
        return self.call(ChangeState, '/pose/change_state', request).success

    def set(self, name: str, value: object):
        """Sets a parameter by the service; the SetParametersResult."""
        from rcl_interfaces.srv import SetParameters
        from rclpy.parameter import Parameter

        request = SetParameters.Request(parameters=[Parameter(name, value=value).to_parameter_msg()])
        return self.call(SetParameters, '/pose/set_parameters', request).results[0]

    def listen(self, kind, topic: str, latched: bool = False) -> list:
        """The messages of a topic, as they come."""
        from rclpy.qos import DurabilityPolicy, QoSProfile

        durability = DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE
        messages: list = []
        self.tester.create_subscription(kind, topic, messages.append, QoSProfile(depth=10, durability=durability))
        wait_until(lambda: self.tester.count_publishers(topic))
        return messages

    def camera(self, topic: str = '/image_raw', kind=None, size: tuple[int, int] = (40, 30)) -> Callable[..., object]:
        """``send(value, **fields)`` publishes a grey image of that value, its stamp's nanoseconds a number of its
        own."""
        from sensor_msgs.msg import Image

        publisher = self.tester.create_publisher(kind or Image, topic, 10)
        wait_until(lambda: any(i.node_name == 'pose' for i in self.tester.get_subscriptions_info_by_topic(topic)))
        wait_until(publisher.get_subscription_count)
        width, height = size
        sent = 0

        def send(value: int = 100, **fields):
            nonlocal sent
            sent += 1
            message = (kind or Image)()
            if kind is None:
                message.width, message.height, message.step, message.encoding = width, height, width, 'mono8'
                message.data.frombytes(bytes([value]) * (width * height))
            message.header.frame_id = 'camera_optical_frame'
            message.header.stamp.sec, message.header.stamp.nanosec = 1234, sent
            for name, field in fields.items():
                setattr(message, name, field)
            publisher.publish(message)
            return message

        return send

    def stranger(self):
        """A node of another participant: one participant cannot hold two types under one topic."""
        import rclpy

        context = rclpy.Context()
        rclpy.init(context=context, domain_id=self._domain)
        node = rclpy.create_node('stranger', context=context)
        self._nodes.append(node)
        self._contexts.append(context)
        return node

    def shut_down(self) -> None:
        import rclpy

        self._stopping = True
        for thread in self._threads:
            thread.join()
        for node in reversed(self._nodes):
            node.destroy_node()
        for context in self._contexts:
            context.try_shutdown()
        rclpy.try_shutdown()


@pytest.fixture
def robot(ros_domain: int) -> Iterator[Robot]:
    robot = Robot(ros_domain)
    yield robot
    robot.shut_down()


@pytest.fixture
def stub() -> type[StubPipeline]:
    return StubPipeline


@pytest.fixture
def until() -> Callable[..., object]:
    return wait_until
