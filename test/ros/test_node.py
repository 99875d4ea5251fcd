"""The node on the real middleware: what comes in, what goes out, and what it never says."""

from __future__ import annotations

import threading
import time

import cv2
import numpy as np
import pytest

from mpn_ros.errors import CalibrationError, WeightsError
from mpn_ros.skeleton import COCO

pytest.importorskip('rclpy', reason='ROS 2 is not installed here')
pytest.importorskip('vision_msgs', reason='vision_msgs is not installed here')
pytest.importorskip('mpn_ros.msg', reason='the messages of mpn_ros are not built here')

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus  # noqa: E402
from mpn_ros.msg import SkeletonArray, SkeletonLayout  # noqa: E402
from sensor_msgs.msg import CameraInfo, CompressedImage, Image  # noqa: E402
from std_msgs.msg import Header, String  # noqa: E402
from vision_msgs.msg import Detection2DArray, LabelInfo  # noqa: E402
from visualization_msgs.msg import Marker, MarkerArray  # noqa: E402

pytestmark = pytest.mark.ros


def test_one_image_gives_boxes_skeletons_and_mask_under_its_header(robot, until):
    robot.start()
    boxes, people = robot.listen(Detection2DArray, '/detections'), robot.listen(SkeletonArray, '/skeletons')
    masks = robot.listen(Image, '/mask')
    sent = robot.camera()(51)
    until(lambda: boxes and people and masks)
    for message in (boxes[0], people[0], masks[0], boxes[0].detections[0]):
        assert message.header == sent.header
    box = boxes[0].detections[0]
    assert (box.bbox.center.position.x, box.bbox.center.position.y, box.bbox.size_x, box.bbox.size_y) == (6, 12, 10, 20)
    assert box.results[0].hypothesis.class_id == 'person' and box.results[0].hypothesis.score == pytest.approx(0.2)
    person = people[0].skeletons[0]
    assert (people[0].image_width, people[0].image_height) == (40, 30)
    assert person.box.tolist() == [1, 2, 11, 22] and person.id == person.NOT_TRACKED
    assert person.score == pytest.approx(0.2)
    assert (person.keypoints[0].x, person.keypoints[0].y, person.keypoints[0].seen) == (3, 4, True)
    unseen = person.keypoints[5]
    assert np.isnan([unseen.x, unseen.y]).all() and unseen.score == 0 and not unseen.seen
    mask = masks[0]
    assert (mask.encoding, mask.width, mask.height, mask.step) == ('mono8', 40, 30, 40)
    pixels = np.frombuffer(mask.data, np.uint8).reshape(30, 40)
    assert (pixels[1:3, 2:5] == 255).all() and pixels.sum() == 6 * 255


def test_ids_last_and_are_the_same_in_boxes_and_skeletons(robot, until):
    robot.start(cameras=['left', 'right'])
    boxes = robot.listen(Detection2DArray, '/left/detections')
    people = {name: robot.listen(SkeletonArray, f'/{name}/skeletons') for name in ('left', 'right')}
    left, right = robot.camera('/left/image_raw'), robot.camera('/right/image_raw')
    for count in range(1, 4):
        left(200), right(200)
        until(lambda count=count: len(boxes) == len(people['left']) == len(people['right']) == count)
    assert [message.skeletons[0].id for message in people['left']] == [1, 1, 1]
    assert [message.detections[0].id for message in boxes] == ['1', '1', '1']
    assert [message.skeletons[0].id for message in people['right']] == [1, 1, 1], 'each camera counts for itself'
    stamp = left(200).header.stamp
    until(lambda: len(people['left']) == 4)
    stamp.sec -= 10  # as a bag that begins again
    left(200, header=Header(stamp=stamp))
    until(lambda: len(people['left']) == 5)
    assert [message.skeletons[0].id for message in people['left']] == [1, 1, 1, 1, 2]


def test_nobody_is_followed_when_that_is_not_wanted(robot, until):
    robot.start(track=False)
    boxes, people = robot.listen(Detection2DArray, '/detections'), robot.listen(SkeletonArray, '/skeletons')
    robot.camera()(200)
    until(lambda: boxes and people)
    assert boxes[0].detections[0].id == '' and people[0].skeletons[0].id == -1


def test_late_listeners_learn_what_the_answers_mean(robot, until):
    robot.start()
    infos = robot.listen(LabelInfo, '/label_info', latched=True)
    layouts = robot.listen(SkeletonLayout, '/skeleton_layout', latched=True)
    until(lambda: infos and layouts)
    assert {entry.class_id: entry.class_name for entry in infos[0].class_map} == {0: 'background', 255: 'person'}
    assert tuple(layouts[0].names) == COCO.names
    assert list(zip(layouts[0].edges[::2], layouts[0].edges[1::2], strict=True)) == list(COCO.edges)


def test_the_newest_image_wins_and_every_frame_is_accounted_for(robot, stub, until):
    pipeline = stub(delay=0.1)
    node = robot.start(pipeline)
    people = robot.listen(SkeletonArray, '/skeletons')
    send = robot.camera()
    for value in range(1, 41):
        send(value)
        time.sleep(0.01)
    statistics = node._cameras[0].statistics
    until(lambda: pipeline.batches and pipeline.batches[-1] == [40])
    until(lambda: (now := statistics.snapshot()).answered + now.dropped == now.received)
    snapshot = statistics.snapshot()
    assert snapshot.answered == len(pipeline.batches) < snapshot.received and snapshot.dropped
    answered = [first for (first,) in pipeline.batches]
    assert answered == sorted(answered), 'an older image was answered after a newer one'
    until(lambda: len(people) == snapshot.answered)


def test_an_image_whose_inference_fails_is_counted_and_never_answered_as_empty(robot, stub, until):
    node = robot.start(stub(poison=frozenset([66])))
    boxes, people = robot.listen(Detection2DArray, '/detections'), robot.listen(SkeletonArray, '/skeletons')
    masks = robot.listen(Image, '/mask')
    send = robot.camera()
    send(66)
    until(lambda: node._cameras[0].statistics.snapshot().failed == 1)
    sent = send(67)
    until(lambda: people and boxes and masks)
    assert people[0].header == boxes[0].header == masks[0].header == sent.header, 'the failed image was answered'
    snapshot = node._cameras[0].statistics.snapshot()
    assert 'poisoned image' in snapshot.fault and (snapshot.answered, snapshot.failed) == (1, 1)


def test_what_is_no_image_is_dropped_counted_and_forgotten(robot, until):
    node = robot.start()
    people = robot.listen(SkeletonArray, '/skeletons')
    send = robot.camera()
    bad = ({'step': 3}, {'encoding': 'mono17'}, {'width': 0}, {'height': 2**31}, {'step': 41})
    for n, fields in enumerate(bad, 1):
        send(**fields)
        until(lambda n=n: node._cameras[0].statistics.snapshot().malformed == n)
    sent = send()
    until(lambda: people)
    assert [message.header for message in people] == [sent.header]


def test_overlay_is_made_only_for_listeners(robot, until, monkeypatch):
    import mpn_ros.ros.outputs.overlay as overlay

    drawn = []
    monkeypatch.setattr(overlay, 'draw', lambda image, result, order: drawn.append(order) or np.full_like(image, 9))
    robot.start()
    people = robot.listen(SkeletonArray, '/skeletons')
    send = robot.camera()
    send()
    until(lambda: len(people) == 1)
    assert not drawn
    overlays = robot.listen(Image, '/overlay')
    until(lambda: send() and overlays)
    assert drawn and overlays[0].encoding == 'bgr8' and overlays[0].header.frame_id == 'camera_optical_frame'
    assert (overlays[0].width, overlays[0].height) == (40, 30) and set(overlays[0].data) == {9}


def test_cameras_answer_in_their_own_namespaces_and_share_batches(robot, stub, until):
    pipeline = stub(poison=frozenset([66]))
    node = robot.start(pipeline, cameras=['left', 'right'])
    left, right = robot.listen(SkeletonArray, '/left/skeletons'), robot.listen(SkeletonArray, '/right/skeletons')
    send_left, send_right = robot.camera('/left/image_raw'), robot.camera('/right/image_raw')

    def send_while_busy(first: int, second: int):
        """Both images are there before the worker is free."""
        pipeline.may_run.clear()
        asked = len(pipeline.batches)
        send_left(1)
        until(lambda: len(pipeline.batches) > asked)
        sent = send_left(first), send_right(second)
        until(lambda: len(node._worker._scheduler._decoded) == 2)
        pipeline.may_run.set()
        return sent

    a, b = send_while_busy(102, 204)
    until(lambda: len(left) == 2 and right)
    assert sorted(pipeline.batches[1]) == [102, 204], 'what was there was not answered together'
    assert left[1].header == a.header and left[1].skeletons[0].score == pytest.approx(0.4)
    assert right[0].header == b.header and right[0].skeletons[0].score == pytest.approx(0.8)
    send_while_busy(66, 51)  # one poisoned image must not cost the other camera its answer
    until(lambda: len(right) == 2 and len(left) == 3 and node._cameras[0].statistics.snapshot().failed == 1)
    assert right[1].skeletons[0].score == pytest.approx(0.2)


def test_compressed_transport(robot, until):
    robot.start(image_transport='compressed')
    people = robot.listen(SkeletonArray, '/skeletons')
    send = robot.camera('/image_raw/compressed', CompressedImage)
    send(format='png', data=cv2.imencode('.png', np.full((30, 40, 3), 51, np.uint8))[1].tobytes())
    until(lambda: people)
    assert people[0].skeletons[0].score == pytest.approx(0.2) and people[0].image_width == 40


def test_the_calibration_beside_the_image_is_learned_and_forgotten(robot, until):
    node = robot.start(cameras=['left'])
    calibration = node._cameras[0].input.calibration
    with pytest.raises(CalibrationError, match='/left/camera_info'):
        calibration.model(40, 30)
    publisher = robot.tester.create_publisher(CameraInfo, '/left/camera_info', 1)
    info = CameraInfo(width=40, height=30, k=[50.0, 0.0, 20.0, 0.0, 50.0, 15.0, 0.0, 0.0, 1.0])
    until(lambda: publisher.publish(info) or calibration._info)
    assert calibration.model(40, 30).matrix[0, 0] == 50
    assert robot.transition('deactivate') and calibration._info is None


def test_markers_cover_the_image_and_go_with_the_people(robot, stub, until):
    pipeline = stub()
    robot.start(pipeline, marker_distance=2.0)
    arrays, people = robot.listen(MarkerArray, '/markers'), robot.listen(SkeletonArray, '/skeletons')
    told = robot.listen(DiagnosticArray, '/diagnostics')
    send = robot.camera()
    send(200)
    until(lambda: people)
    until(lambda: any('camera_info' in status.message for status in statuses(told)))
    assert not arrays, 'without a calibration nobody knows where to draw'
    publisher = robot.tester.create_publisher(CameraInfo, '/camera_info', 1)
    publisher.publish(CameraInfo(width=40, height=30, k=[50.0, 0.0, 20.0, 0.0, 50.0, 15.0, 0.0, 0.0, 1.0]))
    sent = until(lambda: (sent := send(200)) and arrays and sent)
    (drawn,) = (marker for marker in arrays[0].markers if marker.ns == 'joints')
    assert drawn.header.frame_id == sent.header.frame_id
    keypoint = drawn.points[0]
    assert (keypoint.x, keypoint.y, keypoint.z) == pytest.approx(((3 - 20) / 50 * 2, (4 - 15) / 50 * 2, 2.0))
    pipeline.people = 0
    until(lambda: send(200) and arrays[-1].markers[0].action == Marker.DELETEALL and len(arrays[-1].markers) == 1)


def test_topics_can_be_remapped_and_put_into_a_namespace(robot, until):
    robot.start(arguments=('-r', 'image_raw:=/elsewhere', '-r', 'skeletons:=/who'))
    people = robot.listen(SkeletonArray, '/who')
    robot.camera('/elsewhere')()
    until(lambda: people)


def test_simulated_time_that_does_not_run_holds_nothing_up(robot, until):
    robot.start(use_sim_time=True, diagnostics_period=0.1)
    people, messages = robot.listen(SkeletonArray, '/skeletons'), robot.listen(DiagnosticArray, '/diagnostics')
    robot.camera()()
    until(lambda: people and messages)


def test_quality_of_service_can_be_overridden(robot):
    from rclpy.qos import ReliabilityPolicy

    robot.start(
        **{
            'qos_overrides./image_raw.subscription.reliability': 'reliable',
            'qos_overrides./mask.publisher.reliability': 'best_effort',
        }
    )
    (image,) = robot.tester.get_subscriptions_info_by_topic('/image_raw')
    (mask,) = robot.tester.get_publishers_info_by_topic('/mask')
    (overlay,) = robot.tester.get_publishers_info_by_topic('/overlay')
    assert image.qos_profile.reliability == overlay.qos_profile.reliability == ReliabilityPolicy.RELIABLE
    assert mask.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT


def test_a_wrong_quality_of_service_refuses_the_transition(robot, capfd):
    robot.start(autostart=False, **{'qos_overrides./mask.publisher.reliability': 'sometimes'})
    assert not robot.transition('configure') and robot.state() == 'unconfigured'
    said = capfd.readouterr().err
    assert "'/mask'" in said and 'sometimes' in said and 'Traceback' not in said


def test_life_cycle_twice(robot, until):
    node = robot.start(autostart=False)
    for _ in range(2):
        assert robot.state() == 'unconfigured' and not node._cameras
        assert robot.transition('configure') and robot.state() == 'inactive'
        assert robot.transition('activate') and robot.state() == 'active'
        people = robot.listen(SkeletonArray, '/skeletons')
        robot.camera()()
        until(lambda people=people: people)
        assert robot.transition('deactivate') and robot.state() == 'inactive'
        until(lambda: not robot.tester.get_subscriptions_info_by_topic('/image_raw'))
        assert robot.transition('activate') and robot.transition('deactivate') and robot.transition('cleanup')
    assert robot.transition('shutdown') and robot.state() == 'finalized'


def test_deactivate_answers_the_image_at_hand(robot, stub, until):
    pipeline = stub()
    pipeline.may_run.clear()
    robot.start(pipeline)
    people = robot.listen(SkeletonArray, '/skeletons')
    sent = robot.camera()()
    until(lambda: pipeline.batches)
    threading.Timer(0.2, pipeline.may_run.set).start()
    assert robot.transition('deactivate')
    until(lambda: people)
    assert people[0].header == sent.header


@pytest.mark.parametrize(
    'error, says',
    [
        (WeightsError("no weights file '/nowhere.safetensors'"), '/nowhere.safetensors'),
        (ZeroDivisionError('unforeseen'), 'unforeseen'),
    ],
)
def test_a_failing_configure_is_told_refused_and_leaves_nothing(robot, capfd, error, says):
    node = robot.start(error, autostart=False)
    assert not robot.transition('configure') and robot.state() == 'unconfigured'
    assert says in capfd.readouterr().err and not node._cameras
    assert not robot.tester.get_publishers_info_by_topic('/skeletons')


def test_a_failing_activate_is_taken_back(robot, capfd):
    node = robot.start(
        autostart=False,
        cameras=['left', 'right'],
        **{'qos_overrides./right/image_raw.subscription.reliability': 'sometimes'},
    )
    assert robot.transition('configure')
    assert not robot.transition('activate') and robot.state() == 'inactive'
    said = capfd.readouterr().err
    assert "'/right/image_raw'" in said and 'sometimes' in said and 'Traceback' not in said
    assert not any(publisher.is_activated for camera in node._cameras for publisher in camera.topics._publishers)
    assert node._worker is None and not robot.tester.get_subscriptions_info_by_topic('/left/image_raw')


@pytest.mark.parametrize('path', [('activate', 'deactivate'), ('cleanup',)])
def test_what_fails_on_the_way_back_leaves_the_node_unconfigured(robot, until, capfd, monkeypatch, path):
    from mpn_ros.ros.camera import Camera

    faults = [ArithmeticError('unforeseen')]
    close = Camera.close
    monkeypatch.setattr(Camera, 'close', lambda camera: close(camera) if not faults else fail(faults.pop()))
    node = robot.start(autostart=False)
    assert robot.transition('configure')
    assert all(robot.transition(label) for label in path[:-1])
    assert not robot.transition(path[-1]) and robot.state() == 'unconfigured'
    assert 'ArithmeticError: unforeseen' in capfd.readouterr().err
    assert not node._cameras and not robot.tester.get_publishers_info_by_topic('/skeletons')
    assert robot.transition('configure') and robot.transition('activate')
    people = robot.listen(SkeletonArray, '/skeletons')
    robot.camera()()
    until(lambda: people)


def test_a_node_that_cannot_give_back_what_it_holds_is_finalized(robot, monkeypatch):
    from mpn_ros.ros.camera import Camera

    robot.start(autostart=False, cameras=['left', 'right'])
    assert robot.transition('configure')
    monkeypatch.setattr(Camera, 'destroy', lambda camera: fail(ArithmeticError('unforeseen')))
    assert not robot.transition('cleanup') and robot.state() == 'finalized'


def fail(error: Exception) -> None:
    raise error


def test_only_live_parameters_change_while_it_runs(robot, stub, until):
    pipeline = stub()
    robot.start(pipeline)
    assert robot.set('person_threshold', 0.7).successful
    until(lambda: pipeline.thresholds and pipeline.thresholds.score_threshold == 0.7)
    refused = robot.set('weights', 'other')
    assert not refused.successful and "'weights'" in refused.reason and 'cleanup' in refused.reason
    assert robot.transition('deactivate') and robot.transition('cleanup')
    assert robot.set('weights', 'other').successful


@pytest.mark.parametrize(
    'name, value, allowed',
    [
        ('person_threshold', 1.5, ('0', '1')),
        ('person_threshold', float('nan'), ('0', '1')),
        ('max_people', 0, ('1', '100')),
        ('max_people', 2**40, ('1', '100')),
        ('input_size', 100, ('32',)),
        ('grouper', 'best', ('prn', 'max', 'ucr')),
        ('image_transport', 'h264', ('raw', 'compressed')),
        ('cameras', ['a', 'a'], ('once',)),
    ],
)
def test_parameters_out_of_range_are_refused_with_the_range(robot, name, value, allowed):
    robot.start(autostart=False)
    result = robot.set(name, value)
    assert not result.successful and all(word in result.reason for word in (name, *allowed)), result.reason


def test_parameters_describe_themselves(robot):
    from rcl_interfaces.srv import DescribeParameters

    from mpn_ros.parameters import SPECS

    robot.start(autostart=False)
    answer = robot.call(DescribeParameters, '/pose/describe_parameters', DescribeParameters.Request(names=list(SPECS)))
    for descriptor, spec in zip(answer.descriptors, SPECS.values(), strict=True):
        assert descriptor.description == spec.description and not descriptor.dynamic_typing
        assert bool(descriptor.floating_point_range or descriptor.integer_range) == bool(spec.bounds)


def statuses(messages: list[DiagnosticArray]) -> list[DiagnosticStatus]:
    return [status for message in messages for status in message.status if status.name.startswith('/pose')]


def test_diagnostics_tell_figures_and_silence(robot, until):
    robot.start(diagnostics_period=0.1, camera_timeout=0.3)
    messages = robot.listen(DiagnosticArray, '/diagnostics')
    send = robot.camera()
    until(lambda: send() and any(s.level == DiagnosticStatus.OK and 'Hz' in s.message for s in statuses(messages)))
    values = {pair.key: pair.value for pair in statuses(messages)[-1].values}
    assert values['backend'] == 'stub' and values['weights'] == 'none' and float(values['latency p99 (ms)']) < 1000
    assert int(values['received']) >= int(values['answered']) > 0
    until(lambda: statuses(messages)[-1].level == DiagnosticStatus.STALE)
    assert '/image_raw' in statuses(messages)[-1].message
    assert robot.transition('deactivate')
    until(lambda: statuses(messages)[-1].message == 'inactive')


def test_a_topic_of_another_type_is_told_in_one_sentence(robot, until, capfd):
    robot.stranger().create_publisher(String, '/image_raw', 1)
    robot.start(diagnostics_period=0.1)
    messages = robot.listen(DiagnosticArray, '/diagnostics')
    until(lambda: statuses(messages) and statuses(messages)[-1].level == DiagnosticStatus.ERROR)
    sentence = statuses(messages)[-1].message
    assert "'/image_raw' carries std_msgs/msg/String" in sentence and 'sensor_msgs/msg/Image' in sentence
    told = len(messages)
    until(lambda: len(messages) > told + 3)
    assert capfd.readouterr().err.count(sentence) == 1, 'said once, not each time'
