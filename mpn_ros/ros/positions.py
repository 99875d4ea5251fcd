"""Where the people of one camera are in metres: by its depth images, or estimated where it has none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from rclpy.lifecycle import LifecyclePublisher
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from mpn_ros.camera_model import CameraModel
from mpn_ros.decoding.depth import decode_depth
from mpn_ros.depth.lifting import Lifted, lift
from mpn_ros.depth.proportions import estimate
from mpn_ros.errors import ImageError, MpnError
from mpn_ros.msg import Keypoint3D
from mpn_ros.parameters import Parameters
from mpn_ros.ros.body_frames import body_frames
from mpn_ros.ros.depth_messages import skeletons_3d
from mpn_ros.scene import Person, Scene
from mpn_ros.serving.depth_sync import DepthPairing


class _Answer(NamedTuple):
    header: Header
    scene: Scene


class Positions:
    """Publishes the positions of the people in each answer on ``skeletons``, and as frames ``<prefix>body_<id>`` on
    ``frames`` where that is not None.

    ``values()`` are the parameters now; ``model(width, height)`` how images of that size are projected, see
    ``Camera.model``; ``lack(why)`` hears of each answer that gets no positions, ``draw(people, points, header)`` of the
    others.
    """

    def __init__(self, values: Callable[[], Parameters], model: Callable[[int, int], CameraModel],
                 lack: Callable[[str], None], draw: Callable[[Sequence[Person], np.ndarray, Header], None],
                 skeletons: LifecyclePublisher, frames: LifecyclePublisher | None, prefix: str) -> None:
        self._values, self._model, self._lack, self._draw = values, model, lack, draw
        self._skeletons, self._frames, self._prefix = skeletons, frames, prefix
        self.forget()

    def forget(self) -> None:
        """Begins anew: no depth image has come, no answer waits."""
        self._pairing: DepthPairing[_Answer] = DepthPairing()

    def hear(self, image: Image) -> None:
        """A depth image has come, maybe after the answer that it belongs to."""
        answer = self._pairing.hear(image, self._values().depth_tolerance)
        if answer is not None:
            self._publish(answer, image)

    def answer(self, header: Header, scene: Scene) -> None:
        """An image has been answered with ``scene``: publishes its positions now, or when its depth image comes."""
        values, answer = self._values(), _Answer(header, scene)
        if not values.depth_topic:
            self._publish(answer, None)
            return
        image, overtaken = self._pairing.find(header, answer, values.depth_tolerance)
        if overtaken is not None:
            self._lack(f'no depth image has come within {values.depth_tolerance:g} s of an image')
        if image is not None:
            self._publish(answer, image)

    def _publish(self, answer: _Answer, image: Image | None) -> None:
        try:
            lifted = self._place(answer, image)
        except Exception as error:  # whatever a message does to us, the next one gets its turn
            self._lack(str(error) if isinstance(error, MpnError) else f'{type(error).__name__}: {error}')
            return
        header, people = answer.header, answer.scene.people
        source = Keypoint3D.ESTIMATED if image is None else Keypoint3D.MEASURED
        self._skeletons.publish(skeletons_3d(people, lifted, source, header))
        if self._frames is not None:
            self._frames.publish(body_frames(people, lifted, header, self._prefix))
        self._draw(people, lifted.points, header)

    def _place(self, answer: _Answer, image: Image | None) -> Lifted:
        model = self._model(*answer.scene.image_size)
        keypoints = answer.scene.keypoints
        if image is None:
            return estimate(keypoints, model, self._values().person_height)
        if image.header.frame_id != answer.header.frame_id:
            raise ImageError(f"the depth image is in frame '{image.header.frame_id}' and the image in "
                             f"'{answer.header.frame_id}': only depth that is registered to the image can be used")
        return lift(keypoints, decode_depth(image), model)
