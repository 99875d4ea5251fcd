"""The publishers and subscriptions of one camera on the node."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from typing import NamedTuple

from rclpy.lifecycle import LifecycleNode, LifecyclePublisher
from rclpy.qos import QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.subscription import Subscription

from mpn_ros.errors import ParameterError
from mpn_ros.parameters import camera_topic
from mpn_ros.ros.message_packages import sendable
from mpn_ros.ros.qos import RESULT_QOS


class _Subscribed(NamedTuple):
    subscription: Subscription
    topic: str
    type: type
    parameters: str


class CameraTopics:
    """Topics of the camera ``camera`` on ``node``, all in the camera's namespace; ``''`` is the node's own."""

    def __init__(self, node: LifecycleNode, camera: str) -> None:
        self.node, self.camera = node, camera
        self._publishers: list[LifecyclePublisher] = []
        self._subscribed: list[_Subscribed] = []

    def resolve(self, topic: str) -> str:
        """The full name of a topic of this camera, after the node's remappings."""
        return self.node.resolve_topic_name(camera_topic(self.camera, topic))

    def publisher(self, kind: type, topic: str, qos: QoSProfile = RESULT_QOS) -> LifecyclePublisher:
        """A publisher, which sends while the node is active. Raises ParameterError for wrong qos_overrides and
        PackageError where libraries of the message's package are missing."""
        name = self.resolve(topic)
        with _qos_overrides(name), sendable(kind):
            publisher: LifecyclePublisher = self.node.create_lifecycle_publisher(
                kind, name, copy(qos), qos_overriding_options=QoSOverridingOptions.with_default_policies()
            )
        self._publishers.append(publisher)
        return publisher

    def subscribe(
        self,
        kind: type,
        name: str,
        callback: Callable[..., None],
        qos: QoSProfile,
        raw: bool = False,
        parameters: str = '',
    ) -> None:
        """Subscribes to the topic of the full name ``name``; ``parameters`` names what a user has chosen it by. Raises
        ParameterError for wrong qos_overrides."""
        with _qos_overrides(name):
            subscription = self.node.create_subscription(
                kind,
                name,
                callback,
                copy(qos),
                raw=raw,
                qos_overriding_options=QoSOverridingOptions.with_default_policies(),
            )
        self._subscribed.append(_Subscribed(subscription, name, kind, parameters))

    def unsubscribe(self) -> None:
        """Ends all subscriptions."""
        while self._subscribed:
            self.node.destroy_subscription(self._subscribed.pop().subscription)

    def destroy(self) -> None:
        """Gives all topics back."""
        self.unsubscribe()
        for publisher in self._publishers:
            self.node.destroy_lifecycle_publisher(publisher)
        self._publishers.clear()

    def type_mismatch(self) -> str | None:
        """A sentence if somebody publishes another type on a topic that parameters name, which the middleware itself
        passes over in silence."""
        for subscribed in self._subscribed:
            wanted = f'sensor_msgs/msg/{subscribed.type.__name__}'
            for publisher in self.node.get_publishers_info_by_topic(subscribed.topic) if subscribed.parameters else ():
                if publisher.topic_type != wanted:
                    return (
                        f"topic '{subscribed.topic}' carries {publisher.topic_type} from node "
                        f"'{publisher.node_name}', not {wanted}: look at the parameters {subscribed.parameters}"
                    )
        return None


@contextmanager
def _qos_overrides(topic: str) -> Iterator[None]:
    """Makes a sentence of what rclpy raises for an unknown word in the parameters qos_overrides.TOPIC. What is given to
    rclpy inside must be a copy of a profile: it writes the overrides into it."""
    try:
        yield
    except RuntimeError as error:
        raise ParameterError(f"topic '{topic}' cannot be had with its qos_overrides: {error}") from error
