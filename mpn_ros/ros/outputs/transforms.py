"""People as frames of tf2: ``body_<id>`` at the trunk of each person who has an id, with the camera's own axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from geometry_msgs.msg import Transform, TransformStamped, Vector3
from std_msgs.msg import Header

from mpn_ros.depth.back_projection import Keypoints3D
from mpn_ros.errors import ParameterError
from mpn_ros.ros.camera_topics import CameraTopics
from mpn_ros.ros.outputs.spatial_output import Located, SpatialOutput
from mpn_ros.ros.qos import TF_QOS
from mpn_ros.scene import Person


class Transforms(SpatialOutput):
    """``/tf``, with the camera's name before that of each person. Raises ParameterError without tf2_msgs."""

    def __init__(self, topics: CameraTopics) -> None:
        self._publisher = topics.publisher(tf_message(), '/tf', TF_QOS)
        self._prefix = f"{topics.camera.replace('/', '_')}_" if topics.camera else ''

    def publish(self, located: Located) -> None:
        """Always."""
        self._publisher.publish(person_transforms(located.people, located.keypoints, located.header, self._prefix))


def tf_message() -> type:
    """The class of the messages on /tf. Raises ParameterError where tf2_msgs is not installed, as beside the wheels."""
    try:
        from tf2_msgs.msg import TFMessage
    except ImportError as error:
        raise ParameterError("parameter 'publish_tf' needs the package tf2_msgs, which is not installed") from error
    return TFMessage


def person_transforms(people: Sequence[Person], keypoints: Keypoints3D, header: Header, prefix: str) -> Any:
    """A ``TFMessage`` with a frame for each person who has an id and a position: tf2 keeps a frame by its name, so that
    one of a person without an id would jump from body to body."""
    torso = keypoints.torso().points[:, 0].tolist()
    return tf_message()(transforms=[
        TransformStamped(header=header, child_frame_id=f'{prefix}body_{person.id}',
                         transform=Transform(translation=Vector3(x=x, y=y, z=z)))
        for person, (x, y, z) in zip(people, torso, strict=True) if person.id is not None and x == x])
