"""The messages of a bag: standard ones, ours and those of vision_msgs, from the definitions that ship."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
from rosbags.interfaces import Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from mpn_ros.messages import CLASSES, MessageBuilder
from mpn_ros.resources import share_directory

IMAGE, COMPRESSED = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'
SKELETONS = 'mpn_ros/msg/SkeletonArray'

RESULT_TYPES = {
    'detections': 'vision_msgs/msg/Detection2DArray',
    'skeletons': SKELETONS,
    'mask': IMAGE,
    'instance_mask': IMAGE,
}
"""Name and type of the topics that hold a message for each image."""
LATCHED = {
    'label_info': 'vision_msgs/msg/LabelInfo',
    'instance_label_info': 'vision_msgs/msg/LabelInfo',
    'skeleton_layout': 'mpn_ros/msg/SkeletonLayout',
}
"""Name and type of the topics that hold one message, for all who subscribe later."""
MASKS = 'mask', 'instance_mask', 'label_info', 'instance_label_info'
"""Those that there are only with a network that segments."""


def make_typestore() -> Typestore:
    """All types that are read and written here. Raises WeightsError for an incomplete installation."""
    store = get_typestore(Stores.ROS2_JAZZY)
    share = share_directory()
    for package, folder in (('mpn_ros', share / 'msg'), ('vision_msgs', share / 'compat' / 'vision_msgs' / 'msg')):
        types: dict[str, Any] = {}
        for path in sorted(folder.glob('*.msg')):
            types |= get_types_from_msg(path.read_text(encoding='utf-8'), f'{package}/msg/{path.stem}')
        store.register(types)
    return store


def make_builder(store: Typestore) -> MessageBuilder:
    """Makes messages that ``store`` serializes."""
    return MessageBuilder(
        SimpleNamespace(
            octets=partial(np.frombuffer, dtype=np.uint8),
            **{name: store.types[f'{package}/msg/{name}'] for package, names in CLASSES.items() for name in names},
        )
    )


def quality(latched: bool) -> Qos:
    """The quality of service of the node's answers, which ``ros2 bag play`` takes over."""
    durability = QosDurability.TRANSIENT_LOCAL if latched else QosDurability.VOLATILE
    never = QosTime(0, 0)
    return Qos(
        QosHistory.KEEP_LAST,
        1 if latched else 5,
        QosReliability.RELIABLE,
        durability,
        never,
        never,
        QosLiveliness.SYSTEM_DEFAULT,
        never,
        False,
    )
