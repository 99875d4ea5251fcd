"""The answers to one camera of a bag: each image to people, in messages under its header."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
from rosbags.rosbag2 import Writer
from rosbags.serde import SerdeError
from rosbags.typesys.store import Typestore

from mpn_ros.bag.cameras import Camera
from mpn_ros.bag.messages import COMPRESSED, LATCHED, MASKS, RESULT_TYPES, make_builder, quality
from mpn_ros.decoding.compressed import decode_compressed
from mpn_ros.decoding.raw import decode_image
from mpn_ros.errors import MpnError
from mpn_ros.media import TimedVideo
from mpn_ros.messages import serialize_image
from mpn_ros.pipeline.draw import draw
from mpn_ros.tracking.tracker import Tracker

if TYPE_CHECKING:
    from mpn_ros.pipeline.pipeline import PosePipeline


@dataclass
class FrameCounts:
    """What became of a camera's images: all are ``answered`` or ``broken``."""

    answered: int = 0
    broken: int = 0


class CameraProcessor:
    """Writes the answers to the images of ``camera``, and its video if there is one. ``tell`` hears of the first broken
    image: a broken one is counted and gets no answer."""

    def __init__(
        self,
        camera: Camera,
        writer: Writer,
        store: Typestore,
        pipeline: PosePipeline,
        video: TimedVideo | None,
        tell: Callable[[str], None],
    ) -> None:
        self.camera, self.counts = camera, FrameCounts()
        self._writer, self._store, self._pipeline, self._video, self._tell = writer, store, pipeline, video, tell
        self._builder, self._tracker = make_builder(store), Tracker()
        self._decode = decode_compressed if camera.type == COMPRESSED else decode_image
        self._connections = {
            name: writer.add_connection(
                f'{camera.namespace}/{name}',
                kind,
                typestore=store,
                offered_qos_profiles=[quality(latched=name in LATCHED)],
            )
            for name, kind in {**RESULT_TYPES, **LATCHED}.items()
            if pipeline.segments or name not in MASKS
        }

    def begin(self, stamp: int) -> None:
        """Says at ``stamp``, in ns, what the answers mean."""
        for name in LATCHED:
            if name in self._connections:
                self._write(name, stamp, getattr(self._builder, name)())

    def process(self, stamp: int, data: bytes) -> None:
        """Answers the serialized image that was recorded at ``stamp``, in ns; the answers get the same stamp."""
        try:
            message: Any = self._store.deserialize_cdr(data, self.camera.type)
            picture = self._decode(message)
            result = self._tracker.update(self._pipeline(picture.array, picture.channel_order), stamp / 1e9)
        except (MpnError, SerdeError, cv2.error) as error:  # cv2's: of a shape that it does not bear
            if not self.counts.broken:
                self._tell(
                    f"'{self.camera.topic}' has broken images, which get no answer; the first, at "
                    f'{stamp / 1e9:.3f} s: {" ".join(str(error).split())}'
                )
            self.counts.broken += 1
            return
        self._write('detections', stamp, self._builder.detections(result, message.header))
        self._write('skeletons', stamp, self._builder.skeletons(result, message.header))
        for name, mask in (('mask', result.mask), ('instance_mask', result.instance_mask)):
            if mask is not None:
                self._writer.write(self._connections[name], stamp, serialize_image(mask, 'mono8', message.header))
        if self._video is not None:
            drawing = draw(picture.array, result, picture.channel_order)
            self._video.show(drawing if picture.channel_order == 'bgr' else drawing[..., ::-1], stamp / 1e9)
        self.counts.answered += 1

    def _write(self, name: str, stamp: int, message: Any) -> None:
        connection = self._connections[name]
        self._writer.write(connection, stamp, self._store.serialize_cdr(message, connection.msgtype))
