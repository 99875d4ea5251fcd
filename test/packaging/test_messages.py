"""What the generated messages promise to their readers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed')
msg = pytest.importorskip('mpn_ros.msg', reason='the messages are not built: make setup, or colcon build')

from mpn_ros.skeleton import COCO  # noqa: E402

pytestmark = pytest.mark.ros


def test_keypoint_constants_are_the_indices_of_coco() -> None:
    assert [getattr(msg.Keypoint, name.upper()) for name in COCO.names] == list(range(len(COCO)))
    assert msg.Keypoint.COUNT == len(COCO)


def test_a_person_holds_every_keypoint_of_coco_and_allocates_nothing() -> None:
    fields = msg.Skeleton.get_fields_and_field_types()
    assert fields == {'id': 'int32', 'score': 'float', 'box': 'float[4]', 'keypoints': f'mpn_ros/Keypoint[{len(COCO)}]'}
    assert msg.Keypoint.get_fields_and_field_types() == {
        'x': 'float',
        'y': 'float',
        'score': 'float',
        'seen': 'boolean',
    }


def test_an_image_of_people() -> None:
    fields = msg.SkeletonArray.get_fields_and_field_types()
    assert fields == {
        'header': 'std_msgs/Header',
        'image_width': 'uint32',
        'image_height': 'uint32',
        'skeletons': 'sequence<mpn_ros/Skeleton>',
    }


def test_an_image_of_people_in_metres() -> None:
    assert msg.Skeleton3DArray.get_fields_and_field_types() == {
        'header': 'std_msgs/Header',
        'skeletons': 'sequence<mpn_ros/Skeleton3D>',
    }
    assert msg.Skeleton3D.get_fields_and_field_types() == {
        'id': 'int32',
        'score': 'float',
        'torso': 'mpn_ros/Keypoint3D',
        'keypoints': f'mpn_ros/Keypoint3D[{len(COCO)}]',
    }
    assert msg.Keypoint3D.get_fields_and_field_types() == {
        'position': 'geometry_msgs/Point',
        'valid': 'boolean',
        'score': 'float',
        'spread': 'float',
        'source': 'uint8',
    }


def test_what_nobody_filled_is_neither_seen_nor_tracked() -> None:
    person = msg.Skeleton()
    assert person.id == msg.Skeleton.NOT_TRACKED == -1
    assert not any(keypoint.seen for keypoint in person.keypoints)
    person = msg.Skeleton3D()
    assert person.id == msg.Skeleton3D.NOT_TRACKED == -1
    assert not person.torso.valid and person.torso.source == msg.Keypoint3D.NONE


def test_a_box_is_taken_from_an_array() -> None:
    box = np.float32([1.5, 2, 30, 40])
    assert np.array_equal(msg.Skeleton(box=box).box, box)


def test_messages_do_not_load_the_network() -> None:
    """In a process of its own, for this one may have torch already."""
    program = "import sys, mpn_ros.msg; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, '-c', program]).returncode == 0


@pytest.mark.parametrize(
    'name, published',
    [
        ('Detection2DArray', 'RIHS01_214274120007f4a683866481336b70310268cfa107aebe9d594a6acf75bda968'),
        ('LabelInfo', 'RIHS01_3d37df4015cdf660cc851c51897f2acd957e1ca6205ba0a99aebffb9406b0783'),
    ],
)
def test_vision_msgs_is_the_published_one_on_the_wire(name: str, published: str) -> None:
    """Hashes (REP-2011) of vision_msgs 4.1.1; with other ones the real package would not understand a stand-in."""
    vision_msgs = pytest.importorskip('vision_msgs', reason='vision_msgs is not installed')
    prefixes = Path(vision_msgs.__file__).parents
    description = next(
        prefix / 'share/vision_msgs/msg' / f'{name}.json'
        for prefix in prefixes
        if (prefix / 'share/vision_msgs/msg').is_dir()
    )
    hashes = {entry['type_name']: entry['hash_string'] for entry in json.loads(description.read_text())['type_hashes']}
    assert hashes[f'vision_msgs/msg/{name}'] == published
