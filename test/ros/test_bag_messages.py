"""A played bag says what the node says: the messages of both have the same bytes."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
pytest.importorskip('mpn_ros.msg', reason='the messages of mpn_ros are not built here')
pytest.importorskip('rosbags', reason='rosbags is not installed here')

from rclpy.serialization import deserialize_message, serialize_message  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402
from std_msgs.msg import Header  # noqa: E402

from mpn_ros.bag.messages import IMAGE, LATCHED, RESULT_TYPES, make_builder, make_typestore  # noqa: E402
from mpn_ros.messages import serialize_image  # noqa: E402
from mpn_ros.result import Person, PoseResult  # noqa: E402
from mpn_ros.ros import messages  # noqa: E402

pytestmark = pytest.mark.ros


def test_same_messages_in_both_worlds():
    keypoints = np.arange(51, dtype=np.float32).reshape(17, 3) / 51
    keypoints[3] = np.nan, np.nan, 0
    box = np.array([1, 2, 11, 22.5], np.float32)
    people = [Person(box, score, keypoints, followed) for score, followed in ((0.9, 7), (0.5, None))]
    result = PoseResult(tuple(people), np.eye(3, 5, dtype=np.uint8) * 255)
    store = make_typestore()
    builder = make_builder(store)
    header = Header(frame_id='camera')
    header.stamp.sec, header.stamp.nanosec = 12, 34
    recorded = store.deserialize_cdr(serialize_message(header), 'std_msgs/msg/Header')
    pairs = {
        'detections': (messages.detections(result, header), builder.detections(result, recorded)),
        'skeletons': (messages.skeletons(result, header), builder.skeletons(result, recorded)),
        'label_info': (messages.label_info(), builder.label_info()),
        'instance_label_info': (messages.instance_label_info(), builder.instance_label_info()),
        'skeleton_layout': (messages.skeleton_layout(), builder.skeleton_layout()),
    }
    kinds = {**RESULT_TYPES, **LATCHED}
    assert {*pairs, 'mask', 'instance_mask'} == kinds.keys()
    for name, (spoken, written) in pairs.items():
        sent = deserialize_message(serialize_message(spoken), type(spoken))
        heard = deserialize_message(bytes(store.serialize_cdr(written, kinds[name])), type(spoken))
        # By their text: NaN is not equal to itself, and in the bytes the padding is whatever was there.
        assert str(heard) == str(sent), name


def test_an_image_is_the_same_bytes_in_both_worlds():
    store, header = make_typestore(), Header(frame_id='camera')
    pixels = np.eye(3, 5, dtype=np.uint8)
    data = serialize_image(pixels, 'mono8', header)
    heard, written = deserialize_message(data, Image), store.deserialize_cdr(data, IMAGE)
    assert (heard.width, heard.height, heard.step, heard.encoding) == (5, 3, 5, 'mono8') and heard.header == header
    assert (written.width, written.height, written.step, written.encoding) == (5, 3, 5, 'mono8')
    assert bytes(heard.data) == written.data.tobytes() == pixels.tobytes()
