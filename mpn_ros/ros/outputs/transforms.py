"""People as frames of tf2, at the torso of each person who has an id, with the camera's own axes: ``body_3``, or
``left_body_3`` for the camera ``left``. With ``publish_humans`` they have the names that REP-155 gives the frames of
bodies, ``body_p3`` and ``body_left_p3``, under which libhri looks for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from geometry_msgs.msg import Transform, TransformStamped, Vector3
from std_msgs.msg import Header

from mpn_ros.depth.back_projection import Keypoints3D
from mpn_ros.errors import ParameterError
from mpn_ros.result import Person
from mpn_ros.ros.camera_topics import CameraTopics
from mpn_ros.ros.message_packages import PackageError, message_package
from mpn_ros.ros.outputs.hri import body_id
from mpn_ros.ros.outputs.spatial_output import Located, SpatialOutput
from mpn_ros.ros.qos import TF_QOS


class Transforms(SpatialOutput):
    """``/tf``. Raises ParameterError where tf2_msgs is missing, as beside the wheels, or broken."""

    def __init__(self, topics: CameraTopics) -> None:
        try:
            self._publisher = topics.publisher(tf_message(), '/tf', TF_QOS)
        except PackageError as error:
            raise ParameterError(f"parameter 'publish_tf' cannot be on: {error}") from error
        self._camera = topics.camera

    def publish(self, located: Located) -> None:
        """Always."""
        name = partial(body_frame, self._camera, located.settings.publish_humans)
        self._publisher.publish(person_transforms(located.people, located.keypoints, located.header, name))


def body_frame(camera: str, humans: bool, person_id: int) -> str:
    """The name of a person's frame, after REP-155 if ``humans``."""
    if humans:
        return f'body_{body_id(camera, person_id)}'
    return f'{camera.replace("/", "_")}_body_{person_id}' if camera else f'body_{person_id}'


def tf_message() -> type:
    """The class of the messages on /tf. Raises PackageError where there is none."""
    kind: type = message_package('tf2_msgs', 'TFMessage').TFMessage
    return kind


def person_transforms(
    people: Sequence[Person], keypoints: Keypoints3D, header: Header, name: Callable[[int], str]
) -> Any:
    """A ``TFMessage`` with a frame, named by ``name(id)``, for each person who has an id and a position: tf2 keeps a
    frame by its name, so that one of a person without an id would jump from body to body."""
    torso = keypoints.torso().points[:, 0].tolist()
    return tf_message()(
        transforms=[
            TransformStamped(
                header=header, child_frame_id=name(person.id), transform=Transform(translation=Vector3(x=x, y=y, z=z))
            )
            for person, (x, y, z) in zip(people, torso, strict=True)
            if person.id is not None and x == x
        ]
    )
