"""Which topics of a bag are cameras, and where the answers to each of them go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass

from rosbags.interfaces import Connection
from rosbags.serde import SerdeError
from rosbags.typesys.store import Typestore

from mpn_ros.bag.messages import COMPRESSED, IMAGE, LATCHED, RESULT_TYPES, SKELETONS
from mpn_ros.bag.recording import Recording
from mpn_ros.errors import ParameterError

DEPTH = frozenset({'16UC1', '32FC1'})
"""Encodings of distances, which are no pictures."""
OUR_IMAGES = 'mask', 'instance_mask', 'overlay'
"""Image topics of the node, beside its skeletons."""


@dataclass(frozen=True)
class Camera:
    """An image topic with its ``type`` and ``connections``: a bag has one for each publisher that it told apart."""

    topic: str
    type: str
    connections: tuple[Connection, ...]

    @property
    def base(self) -> str:
        """The topic without the transport that image_transport appends."""
        return self.topic.removesuffix('/compressed') if self.type == COMPRESSED else self.topic

    @property
    def namespace(self) -> str:
        """What the answers' topics begin with: '/camera' for '/camera/image_raw', '' for '/image_raw'."""
        return self.base.rpartition('/')[0]

    def answers(self) -> dict[str, str]:
        """Topic and type of everything that is written for this camera."""
        return {f'{self.namespace}/{name}': kind for name, kind in {**RESULT_TYPES, **LATCHED}.items()}


def find_cameras(recording: Recording, store: Typestore, tell: Callable[[str], None]) -> list[Camera]:
    """Every camera of a recording. ``tell`` hears of a topic that is passed over because it carries depth.

    A compressed topic counts only where its raw one is missing; masks and overlays of the node do not count.
    """
    images = _image_topics(recording)
    bases = {camera.base for camera in images if camera.type == IMAGE}
    answered = {connection.topic for connection in recording.connections if connection.msgtype == SKELETONS}
    ours = {f'{topic.rpartition("/")[0]}/{name}' for topic in answered for name in OUR_IMAGES}
    cameras = []
    for camera in images:
        if camera.base in ours or camera.topic.endswith('/compressedDepth'):
            continue
        if camera.type == COMPRESSED and camera.base in bases:
            continue
        encoding = _first_encoding(recording, store, camera)
        if encoding in DEPTH:
            tell(f"'{camera.topic}' is passed over: it carries depth ({encoding})")
            continue
        cameras.append(camera)
    if not cameras:
        raise ParameterError(
            f'{recording.path} has no images of a camera; its topics are {_topics(recording.connections)}'
        )
    return _apart(cameras)


def choose_cameras(recording: Recording, store: Typestore, topics: Collection[str]) -> list[Camera]:
    """The cameras of a recording that ``topics`` names. Raises ParameterError for a topic that is no camera."""
    images = {camera.topic: camera for camera in _image_topics(recording)}
    for topic in topics:
        if topic not in images:
            raise ParameterError(
                f"'{topic}' is no topic with images in {recording.path}; there are "
                f'{", ".join(sorted(images)) or "none"}'
            )
        encoding = _first_encoding(recording, store, images[topic])
        if encoding in DEPTH:
            raise ParameterError(f"'{topic}' carries depth ({encoding}), of which no picture can be made")
    return _apart([images[topic] for topic in dict.fromkeys(topics)])


def _image_topics(recording: Recording) -> list[Camera]:
    found: dict[tuple[str, str], list[Connection]] = defaultdict(list)
    for connection in recording.connections:
        if connection.msgtype in (IMAGE, COMPRESSED) and connection.msgcount:
            found[connection.topic, connection.msgtype].append(connection)
    return [Camera(topic, kind, tuple(connections)) for (topic, kind), connections in sorted(found.items())]


def _first_encoding(recording: Recording, store: Typestore, camera: Camera) -> str | None:
    """The encoding that the first image says; None where there is none to read."""
    for _, _, data in recording.messages(camera.connections):
        with suppress(SerdeError):
            return getattr(store.deserialize_cdr(data, camera.type), 'encoding', None)
        break
    return None


def _apart(cameras: list[Camera]) -> list[Camera]:
    """Two cameras in one namespace would write the same topics."""
    taken: dict[str, Camera] = {}
    for camera in cameras:
        other = taken.setdefault(camera.namespace, camera)
        if other is not camera:
            raise ParameterError(
                f"'{other.topic}' and '{camera.topic}' share the namespace "
                f"'{camera.namespace or '/'}', in which there is one set of answers: "
                'choose one of them with --topic'
            )
    return cameras


def _topics(connections: Collection[Connection]) -> str:
    return ', '.join(sorted({f'{connection.topic} ({connection.msgtype})' for connection in connections})) or 'none'
