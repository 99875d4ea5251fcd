"""``mpn bag``: nothing of the recording is lost, every image has its answer or is counted, other libraries read it."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip('rosbags', reason='rosbags is not installed here')

from rosbags.rosbag2 import Reader  # noqa: E402

from mpn_ros.bag.messages import make_typestore  # noqa: E402
from mpn_ros.cli import main  # noqa: E402
from mpn_ros.media import VideoReader  # noqa: E402
from mpn_ros.skeleton import COCO  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
MASKS = {'mask', 'instance_mask', 'label_info', 'instance_label_info'}
OUR_TOPICS = {'detections', 'skeletons', 'skeleton_layout', *MASKS}


def messages(bag: Path) -> dict[str, list[tuple[int, bytes]]]:
    """Stamps and bytes by topic."""
    found: dict[str, list[tuple[int, bytes]]] = defaultdict(list)
    with Reader(bag) as reader:
        for connection, stamp, data in reader.messages():
            found[connection.topic].append((stamp, bytes(data)))
    return found


def skeletons(bag: Path, topic: str) -> list:
    store = make_typestore()
    return [store.deserialize_cdr(data, 'mpn_ros/msg/SkeletonArray') for _, data in messages(bag)[topic]]


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_the_same_recording_with_our_topics(street, storage, tmp_path, capsys):
    source, target = street(storage), tmp_path / 'out'
    assert main(['bag', str(source), str(target)]) == 0
    before, after = messages(source), messages(target)
    assert {topic: after[topic] for topic in before} == before
    added = set(after) - set(before)
    assert added == {f'/{camera}/{name}' for camera in ('left', 'right') for name in OUR_TOPICS}
    scores = [message.skeletons[0].score for message in skeletons(target, '/right/skeletons')]
    assert scores == pytest.approx([0.2, 0.4, 0.8])
    assert {path.suffix for path in target.iterdir()} == {'.mcap' if storage == 'mcap' else '.db3', '.yaml'}
    assert sorted(path.name for path in tmp_path.iterdir()) == ['in', 'out']
    assert '/left/image_raw: 3 images answered\n' in capsys.readouterr().out


def test_mcap_is_read_by_another_library(street, tmp_path):
    reader = pytest.importorskip('mcap_ros2.reader', reason='mcap-ros2-support is not installed here')
    target = tmp_path / 'out'
    main(['bag', str(street('mcap')), str(target)])
    by_topic = defaultdict(list)
    for message in reader.read_ros2_messages(str(target / 'out.mcap')):
        by_topic[message.channel.topic].append((message.log_time_ns, message.ros_msg))
    images, people = by_topic['/left/image_raw'], by_topic['/left/skeletons']
    assert [stamp for stamp, _ in people] == [stamp for stamp, _ in images] and len(people) == 3
    for (_, image), (_, answer), (_, mask), (_, boxes) in zip(
        images, people, by_topic['/left/mask'], by_topic['/left/detections'], strict=True
    ):
        for part in (answer, mask, boxes):
            assert (part.header.stamp.sec, part.header.stamp.nanosec, part.header.frame_id) == (
                image.header.stamp.sec,
                image.header.stamp.nanosec,
                'left',
            )
        assert (answer.image_width, answer.image_height) == (image.width, image.height) == (mask.width, mask.height)
        (person,) = answer.skeletons
        assert list(person.box) == [1, 2, 11, 22]
        assert person.keypoints[0].seen and not person.keypoints[5].seen and np.isnan(person.keypoints[5].x)
        box = boxes.detections[0].bbox
        assert (box.center.position.x, box.center.position.y, box.size_x, box.size_y) == (6, 12, 10, 20)
        assert bytes(mask.data).count(255) == 6 and mask.encoding == 'mono8'
    assert [answer.skeletons[0].id for _, answer in people] == [-1, -1, 1], 'an id from a score of .5 on'
    ((_, layout),) = by_topic['/left/skeleton_layout']
    ((_, labels),) = by_topic['/left/label_info']
    assert layout.names[0] == 'nose' and len(layout.edges) == 38
    assert {entry.class_id: entry.class_name for entry in labels.class_map} == {0: 'background', 255: 'person'}
    ((_, numbers),) = by_topic['/left/instance_label_info']
    assert [(entry.class_id, entry.class_name) for entry in numbers.class_map[:2]] == [
        (0, 'background'),
        (1, 'person 1'),
    ]
    for (_, mask), (_, own) in zip(by_topic['/left/mask'], by_topic['/left/instance_mask'], strict=True):
        assert own.header == mask.header and bytes(own.data).count(1) == 3, 'the box begins below the first row'


def test_sqlite_is_read_by_another_library(street, tmp_path):
    target = tmp_path / 'out'
    main(['bag', str(street('sqlite3')), str(target)])
    database = sqlite3.connect(target / 'out.db3')
    rows = database.execute(
        'SELECT name, type, count(*) FROM topics JOIN messages ON topics.id = topic_id GROUP BY name'
    ).fetchall()
    assert ('/left/skeletons', 'mpn_ros/msg/SkeletonArray', 3) in rows
    assert ('/right/detections', 'vision_msgs/msg/Detection2DArray', 3) in rows


def test_broken_images_are_counted_and_never_answered(record, tmp_path, capsys):
    recording = record()
    recording.image('/left/image_raw', 0, 51)
    recording.image('/left/image_raw', 1, 102, step=7)
    recording.write('/left/image_raw', 'sensor_msgs/msg/Image', 1_700_000_000_100_000_000, b'\0\1\0\0nothing')
    recording.image('/left/image_raw', 3, 204)
    target = tmp_path / 'out'
    assert main(['bag', str(recording.close()), str(target)]) == 2
    told = capsys.readouterr()
    assert told.err.count('broken images') == 1 and 'step of 7 bytes' in told.err
    assert '2 images answered, 2 broken without an answer' in told.out
    found = messages(target)
    assert len(found['/left/image_raw']) == 4, 'the broken images are still in the recording'
    assert [len(found[f'/left/{name}']) for name in ('skeletons', 'detections', 'mask')] == [2, 2, 2]


def test_jpegs_that_a_camera_pads_are_answered_and_cut_ones_are_not(record, tmp_path, capsys):
    recording = record()
    jpeg = cv2.imencode('.jpg', np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8))[1].tobytes()
    frames = (jpeg, jpeg + bytes(5000), jpeg + b'\r\n', jpeg + jpeg[200:], jpeg[: len(jpeg) // 2] + bytes(600))
    kind = 'sensor_msgs/msg/CompressedImage'
    for number, data in enumerate(frames):
        stamp = 1_700_000_000_000_000_000 + number
        recording.write(
            '/left/image_raw/compressed',
            kind,
            stamp,
            recording.store.types[kind](
                header=recording.header(stamp, 'left'), format='jpeg', data=np.frombuffer(data, np.uint8)
            ),
        )
    assert main(['bag', str(recording.close()), str(tmp_path / 'out')]) == 2
    assert '4 images answered, 1 broken' in capsys.readouterr().out


def test_what_is_no_camera_is_passed_over(record, tmp_path, capsys):
    recording = record()
    for number in range(2):
        recording.image('/left/image_raw', number, 51)
        recording.compressed('/left/image_raw/compressed', number, 51)
        recording.compressed('/left/image_raw/compressedDepth', number, 51)
        recording.image('/left/depth/image_raw', number, 3, encoding='16UC1')
    target = tmp_path / 'out'
    assert main(['bag', str(recording.close()), str(target)]) == 0
    assert "'/left/depth/image_raw' is passed over: it carries depth (16UC1)" in capsys.readouterr().err
    assert {topic for topic in messages(target) if topic.endswith('skeletons')} == {'/left/skeletons'}


def test_answers_that_are_there_are_made_anew(street, tmp_path, monkeypatch):
    main(['bag', str(street('mcap')), str(tmp_path / 'first')])
    assert main(['bag', str(tmp_path / 'first'), str(tmp_path / 'second')]) == 0
    assert messages(tmp_path / 'second') == messages(tmp_path / 'first')


def test_one_topic_of_several(street, tmp_path):
    assert main(['bag', str(street('mcap')), str(tmp_path / 'out'), '--topic', '/right/image_raw/compressed']) == 0
    assert {topic for topic in messages(tmp_path / 'out') if topic.endswith('skeletons')} == {'/right/skeletons'}


@pytest.mark.parametrize(
    ('topics', 'sentence'),
    [
        (['/up/image_raw'], "'/up/image_raw' is no topic with images in .*; there are /left/depth, /left/image_raw, "),
        (['/left/image_raw', '/left/image_rect'], "share the namespace '/left'"),
        (['/left/depth'], "'/left/depth' carries depth"),
    ],
)
def test_topics_that_cannot_be(record, topics, sentence, tmp_path, capsys):
    recording = record()
    recording.image('/left/image_raw', 0, 51)
    recording.image('/left/image_rect', 0, 51)
    recording.image('/left/depth', 0, 51, encoding='16UC1')
    arguments = ['bag', str(recording.close()), str(tmp_path / 'out')]
    for topic in topics:
        arguments += ['--topic', topic]
    assert main(arguments) == 2
    captured = ' '.join(capsys.readouterr().err.split())
    assert re.search(sentence, captured), captured
    assert [path.name for path in tmp_path.iterdir()] == ['in']


def test_a_foreign_topic_of_our_name_is_no_place_for_ours(record, tmp_path, capsys):
    recording = record()
    recording.image('/left/image_raw', 0, 51)
    recording.text('/left/skeletons', 0, 'of another make')
    assert main(['bag', str(recording.close()), str(tmp_path / 'out')]) == 2
    assert "has '/left/skeletons' already, as std_msgs/msg/String" in capsys.readouterr().err


def test_a_recording_without_cameras_is_a_sentence(record, tmp_path, capsys):
    recording = record()
    recording.text('/chatter', 0, 'hello')
    assert main(['bag', str(recording.close()), str(tmp_path / 'out')]) == 2
    assert 'has no images of a camera; its topics are /chatter (std_msgs/msg/String)' in capsys.readouterr().err


def test_files_that_are_no_recording_are_a_sentence(street, tmp_path, capsys):
    whole = (street('mcap') / 'in.mcap').read_bytes()
    (tmp_path / 'cut.mcap').write_bytes(whole[: len(whole) // 2])
    (tmp_path / 'noise.db3').write_bytes(b'noise' * 100)
    (tmp_path / 'folder').mkdir()
    tagged = tmp_path / 'tagged'
    tagged.mkdir()
    (tagged / 'metadata.yaml').write_text(f'!!python/object/apply:os.mkdir ["{tmp_path}/executed"]')
    for name in ('cut.mcap', 'noise.db3', 'folder', 'tagged', 'missing'):
        assert main(['bag', str(tmp_path / name), str(tmp_path / 'out')]) == 2, name
        error = capsys.readouterr().err
        assert name in error and error.count('\n') == 1
    assert not {'out', '.out.unfinished', 'executed'} & {path.name for path in tmp_path.iterdir()}


def test_what_is_there_stays(street, tmp_path, capsys):
    source = street('mcap')
    (tmp_path / 'out').mkdir()
    assert main(['bag', str(source), str(tmp_path / 'out')]) == 2
    assert 'exists already' in capsys.readouterr().err
    assert main(['bag', str(source), str(tmp_path / 'out.mcap')]) == 2
    assert 'must be the name of a folder' in capsys.readouterr().err


def test_a_message_without_a_definition_is_copied(record, tmp_path):
    """As in recordings of older distributions, whose database has neither definitions nor hashes."""
    recording = record('sqlite3')
    recording.image('/left/image_raw', 0, 51)
    recording.text('/robot/state', 0, 'unknown')
    source = recording.close()
    metadata = source / 'metadata.yaml'
    metadata.write_text(
        re.sub(
            r'\s+type_description_hash:\s+\S+',
            '',
            metadata.read_text().replace('std_msgs/msg/String', 'robot_msgs/msg/State'),
        )
    )
    database = sqlite3.connect(source / 'in.db3')
    database.execute(
        "UPDATE topics SET type = 'robot_msgs/msg/State', type_description_hash = '' WHERE name = '/robot/state'"
    )
    database.execute('DELETE FROM message_definitions')
    database.commit()
    database.close()
    assert main(['bag', str(source), str(tmp_path / 'out')]) == 0
    before, after = messages(source), messages(tmp_path / 'out')
    assert before['/robot/state'] and after['/robot/state'] == before['/robot/state']


def test_a_video_keeps_the_time_of_the_recording(record, tmp_path):
    recording = record()
    for number in (0, 1, 2, 3, 20, 21):  # 20 Hz with a gap
        recording.image('/left/image_raw', number, 10 * number, size=(64, 48) if number < 20 else (32, 24))
    assert main(['bag', str(recording.close()), str(tmp_path / 'out'), '--video', str(tmp_path / 'out.mp4')]) == 0
    with VideoReader(tmp_path / 'out.mp4') as video:
        corners = [int(frame.image[-1, -1, 0]) for frame in video]
        assert video.fps == pytest.approx(20) and (video.width, video.height) == (64, 48)
    assert len(corners) == 22
    assert corners == pytest.approx([0, 10, 20, *[30] * 17, 200, 210], abs=8)


def test_several_cameras_have_a_video_each(street, tmp_path):
    assert main(['bag', str(street('mcap')), str(tmp_path / 'out'), '--video', str(tmp_path / 'out.mp4')]) == 0
    assert {path.name for path in tmp_path.glob('*.mp4')} == {'out_left.mp4', 'out_right.mp4'}


def test_weights_of_other_keypoints_have_no_place_in_the_messages(street, pipeline, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pipeline, 'layout', replace(COCO, names=('beak', *COCO.names[1:])))
    assert main(['bag', str(street('mcap')), str(tmp_path / 'out'), '--weights', 'birds']) == 2
    assert 'birds knows 17 keypoints (beak, ' in capsys.readouterr().err


def test_killed_it_leaves_nothing_that_breaks_the_next(street, tmp_path):
    source, target = street('mcap', range(200)), tmp_path / 'out'
    slow = (
        'import sys, time; from mpn_ros import cli; from mpn_ros.commands import bag; '
        'from mpn_ros.result import PoseResult; from mpn_ros.skeleton import COCO\n'
        'def pipeline(image, order):\n'
        '    time.sleep(.05)\n'
        '    return PoseResult((), image[..., 0])\n'
        'pipeline.layout, pipeline.segments = COCO, True\n'
        'bag.make_pipeline = lambda args: pipeline\n'
        'cli.main(sys.argv[1:])'
    )
    arguments = ['bag', str(source), str(target), '--video', str(tmp_path / 'out.mp4')]
    process = subprocess.Popen([sys.executable, '-c', slow, *arguments], cwd=ROOT)
    half_written = tmp_path / '.out.unfinished' / 'out' / 'out.mcap'
    end = time.monotonic() + 60
    while not half_written.exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    assert half_written.exists()
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not target.exists() and not (tmp_path / 'out.mp4').exists()
    assert main(arguments) == 0
    assert len(messages(target)['/left/skeletons']) == 200
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {'in', 'out'}


def test_ctrl_c_leaves_nothing(street, tmp_path, pipeline, monkeypatch):
    source, calls = street('sqlite3'), []

    def interrupted(image, order):
        calls.append(image)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return pipeline(image, order)

    for name in ('layout', 'segments'):
        monkeypatch.setattr(interrupted, name, getattr(pipeline, name, True), raising=False)
    monkeypatch.setattr('mpn_ros.commands.bag.make_pipeline', lambda args: interrupted)
    assert main(['bag', str(source), str(tmp_path / 'out'), '--video', str(tmp_path / 'out.mp4')]) == 130
    assert os.listdir(tmp_path) == ['in']


def test_needs_no_ros():
    blocked = {'rclpy', 'sensor_msgs', 'std_msgs', 'vision_msgs', 'mpn_ros.msg'}
    code = f'import sys; sys.modules.update(dict.fromkeys({blocked}))\nimport mpn_ros.bag.convert'
    environment = {**os.environ, 'PYTHONPATH': str(ROOT)}
    result = subprocess.run([sys.executable, '-c', code], env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_a_network_without_a_mask_adds_no_topic_of_masks(street, tmp_path, pipeline, monkeypatch):
    source, target = street('mcap'), tmp_path / 'out'
    monkeypatch.setattr(pipeline, 'segments', False)
    monkeypatch.setattr('mpn_ros.commands.bag.make_pipeline', lambda args: unmasked)

    def unmasked(image, channel_order='rgb'):
        return replace(pipeline(image, channel_order), mask=None)

    unmasked.segments, unmasked.layout = False, COCO
    assert main(['bag', str(source), str(target), '--video', str(tmp_path / 'out.mp4')]) == 0
    assert set(messages(target)) - set(messages(source)) == {
        f'/{camera}/{name}' for camera in ('left', 'right') for name in OUR_TOPICS - MASKS
    }
