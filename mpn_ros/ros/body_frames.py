"""Bodies as frames of tf2: ``body_<id>`` at the trunk of each person who is followed, with the camera's own axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from geometry_msgs.msg import Transform, TransformStamped, Vector3
from std_msgs.msg import Header

from mpn_ros.depth.lifting import Lifted
from mpn_ros.errors import ParameterError
from mpn_ros.scene import Person


def tf_message() -> type:
    """The class of the messages on /tf. Raises ParameterError where tf2_msgs is not installed, as beside the wheels."""
    try:
        from tf2_msgs.msg import TFMessage
    except ImportError as error:
        raise ParameterError("parameter 'publish_tf' needs the package tf2_msgs, which is not installed") from error
    return TFMessage


def body_frames(people: Sequence[Person], lifted: Lifted, header: Header, prefix: str) -> Any:
    """A ``TFMessage`` with a frame for each person who has an id and a position: tf2 keeps a frame by its name, so that
    one of a person whom nobody follows would jump from body to body."""
    torso = lifted.torso().points[:, 0].tolist()
    return tf_message()(transforms=[
        TransformStamped(header=header, child_frame_id=f'{prefix}body_{person.id}',
                         transform=Transform(translation=Vector3(x=x, y=y, z=z)))
        for person, (x, y, z) in zip(people, torso, strict=True) if person.id is not None and x == x])
