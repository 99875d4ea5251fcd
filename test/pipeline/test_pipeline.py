"""The front door, with a backend that sees what the test says: positions must come out in the image's own pixels."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from mpn_ros.backends.base import BackendInfo
from mpn_ros.errors import BackendUnavailable, ImageError, InferenceError, ParameterError, WeightsError
from mpn_ros.network.multiposenet import MultiPoseNet
from mpn_ros.network.prn import PoseResidualNetwork
from mpn_ros.pipeline.pipeline import PosePipeline, Thresholds
from mpn_ros.pipeline.windows import WindowSettings, plan_windows
from mpn_ros.presets import preset
from mpn_ros.raw_detections import BOXES, PEAKS, RawDetections
from mpn_ros.weights import Weights


@pytest.fixture(scope='module')
def weights():
    torch.manual_seed(0)
    lite = preset('lite')
    parts = {
        'network': MultiPoseNet(lite).state_dict(),
        'prn': PoseResidualNetwork(lite.prn, 17).state_dict(),
        'ucr': {'prior': torch.ones(lite.prn.height, lite.prn.width, 17)},
    }
    return Weights(lite, parts, {}, 'made by the test')


class ScriptedBackend:
    """Answers every image with the same peaks and boxes, in the pixels of the input, and keeps the batches."""

    info = BackendInfo('scripted', 'float32')

    def __init__(self, boxes=(), peaks=(), person=None):
        self.boxes, self.peaks, self.person, self.batches = boxes, peaks, person, []

    def __call__(self, images):
        self.batches.append(images)
        count, height, width = images.shape[:3]
        boxes, peaks = np.zeros((count, BOXES, 5), np.float32), np.zeros((count, 17, PEAKS, 3), np.float32)
        for index, box in enumerate(self.boxes):
            boxes[:, index] = box
        for keypoint, *values in self.peaks:
            peaks[:, keypoint, 0] = values
        person = np.zeros((count, height // 4, width // 4), np.float32)
        if self.person is not None:
            person[:, self.person[1] : self.person[3], self.person[0] : self.person[2]] = 1
        return RawDetections(peaks, boxes, person)


def pipeline(weights, backend, refine=0, **options):
    made = PosePipeline(weights, backend='eager', device='cpu', grouper='max', refine=refine, **options)
    made.backend = backend
    return made


def test_positions_come_back_in_the_pixels_of_the_image(weights):
    # 768x384 is halved to 384x192: edges double, keypoints double about the middle of their pixels.
    backend = ScriptedBackend([(96, 48, 192, 144, 0.9)], [(0, 120.5, 60.5, 0.8)], (24, 12, 48, 36))
    result = pipeline(weights, backend)(np.zeros((384, 768, 3), np.uint8))
    (person,), mask = result.people, result.mask
    np.testing.assert_allclose(person.box, [192, 96, 384, 288])
    assert person.score == pytest.approx(0.9) and person.keypoints.shape == (17, 3)
    np.testing.assert_allclose(person.keypoints[0], [241.5, 121.5, 0.8], rtol=1e-5)
    assert (
        person.visible.tolist() == [True] + [False] * 16
        and np.isnan(person.keypoints[1:, :2]).all()
        and (person.keypoints[1:, 2] == 0).all()
    )
    assert mask.shape == (384, 768) and mask.dtype == np.uint8 and set(np.unique(mask)) == {0, 255}
    rows, columns = np.nonzero(mask)
    assert (
        abs(columns.min() - 192) <= 4
        and abs(columns.max() - 384) <= 4
        and abs(rows.min() - 96) <= 4
        and abs(rows.max() - 288) <= 4
    )


def test_boxes_are_clipped_to_the_image(weights):
    backend = ScriptedBackend([(-30, -5, 500, 500, 0.9)])
    (person,) = pipeline(weights, backend)(np.zeros((192, 384, 3), np.uint8)).people
    assert person.box.tolist() == [0, 0, 384, 192]


def test_thresholds_decide_and_may_change_between_calls(weights):
    backend = ScriptedBackend(
        [(0, 0, 50, 100, 0.9), (100, 0, 150, 100, 0.5), (200, 0, 250, 100, 0.3)], [(0, 20, 20, 0.2)]
    )
    made, image = pipeline(weights, backend), np.zeros((192, 384, 3), np.uint8)
    assert [round(p.score, 1) for p in made(image).people] == [0.9, 0.5]
    assert made(image).people[0].visible.any()
    made.thresholds = Thresholds(score_threshold=0.2, keypoint_threshold=0.3)
    assert len(made(image).people) == 3 and not made(image).people[0].visible.any()
    made.thresholds = Thresholds(score_threshold=0.2, max_people=1)
    assert len(made(image).people) == 1


def test_nobody_is_an_empty_tuple_and_an_empty_mask(weights):
    result = pipeline(weights, ScriptedBackend())(np.zeros((100, 200, 3), np.uint8))
    assert result.people == () and result.image_size == (200, 100)
    assert result.mask.shape == (100, 200) and not result.mask.any()


def test_a_batch_of_different_images_is_one_call_and_each_gets_its_own_scale(weights):
    backend = ScriptedBackend([(0, 0, 96, 96, 0.9)])
    images = [np.zeros((192, 384, 3), np.uint8), np.zeros((768, 384, 3), np.uint8)]
    wide, tall = pipeline(weights, backend).batch(images)
    assert len(backend.batches) == 1 and backend.batches[0].shape == (2, 384, 384, 3)
    assert wide.people[0].box.tolist() == [0, 0, 96, 96] and tall.people[0].box.tolist() == [0, 0, 192, 192]
    assert wide.mask.shape == (192, 384) and tall.mask.shape == (768, 384)


def test_channel_order_is_the_callers(weights):
    image = np.zeros((64, 64, 3), np.uint8)
    image[..., 0] = 255
    backend = ScriptedBackend()
    made = pipeline(weights, backend)
    made(image, 'rgb')
    made(image, 'bgr')
    made.batch([image, image], ['bgr', 'rgb'])
    reds = [int(picture[5, 5].argmax()) for batch in backend.batches for picture in batch]
    assert reds == [0, 2, 2, 0]


@pytest.mark.parametrize('shape', [(1, 1), (1, 2), (2, 1), (4, 1), (1, 4), (3, 3), (1, 9000), (9000, 1), (1, 32767)])
def test_every_shape_has_an_answer(weights, shape):
    result = pipeline(weights, ScriptedBackend(person=(0, 0, 99, 99)))(np.zeros((*shape, 3), np.uint8))
    assert result.mask.shape == shape and (result.mask == 255).all()


def test_several_threads_take_turns_at_the_network(weights):
    """As OpenVINO and PyTorch, the backend has one memory to compute in."""

    class OneAtATime(ScriptedBackend):
        info, busy = BackendInfo('scripted', 'float32', thread_affine=True), False

        def __call__(self, images):
            assert not self.busy, 'another thread is at it'
            self.busy = True
            answer = super().__call__(images)
            time.sleep(0.002)
            self.busy = False
            return answer

    made = pipeline(weights, OneAtATime(boxes=[(0, 0, 32, 32, 0.9)]))
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(made, [np.zeros((48, 64, 3), np.uint8)] * 40))
    assert [len(result.people) for result in results] == [1] * 40


def test_where_a_graph_belongs_to_a_thread_another_is_told(weights):
    class Graph(ScriptedBackend):
        info = BackendInfo('scripted', 'float32', thread_affine=True, gpu=torch.device('cpu'))

    made, image = pipeline(weights, Graph()), np.zeros((48, 64, 3), np.uint8)
    made(image)
    with ThreadPoolExecutor(1, 'second') as threads:
        with pytest.raises(ParameterError, match="'MainThread', not in 'second_0'"):
            threads.submit(made, image).result()
    made(image)


@pytest.mark.parametrize('order', ['RGB', ['rgb'], ['rgb', 'gbr']])
def test_another_channel_order_is_refused(weights, order):
    with pytest.raises(ParameterError, match="channel_order must be 'rgb' or 'bgr' for each of 2 images"):
        pipeline(weights, ScriptedBackend()).batch([np.zeros((64, 64, 3), np.uint8)] * 2, order)


def test_a_box_in_the_padding_is_nobody(weights):
    backend = ScriptedBackend(
        [(0, 200, 50, 220, 0.9), (0, 0, 50, 100, 0.5)]
    )  # the content is 384x190 in an input of 384x192
    people = pipeline(weights, backend)(np.zeros((190, 384, 3), np.uint8)).people
    assert [round(p.score, 1) for p in people] == [0.5]


def test_no_images_no_results(weights):
    assert pipeline(weights, ScriptedBackend()).batch([]) == []


@pytest.mark.parametrize('grouper', ['prn', 'max', 'ucr'])
def test_the_real_parts_fit_together_for_every_grouper(weights, grouper):
    image = np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8)
    made = PosePipeline(
        weights,
        backend='eager',
        device='cpu',
        grouper=grouper,
        input_size=96,
        thresholds=Thresholds(score_threshold=0, keypoint_threshold=0, max_people=5),
    )
    result = made(image)
    people = result.people
    assert len(people) == 5 and result.mask.shape == (90, 120)
    assert all(np.isfinite(p.box).all() and p.keypoints.shape == (17, 3) for p in people)
    assert [p.score for p in people] == sorted((p.score for p in people), reverse=True)


@pytest.mark.parametrize(
    ('options', 'error', 'sentence'),
    [
        ({'input_size': 100}, ParameterError, 'input_size must be a multiple of 32 .* not 100'),
        ({'input_size': 0}, ParameterError, 'input_size must be a multiple of 32 .* not 0'),
        ({'grouper': 'best'}, ParameterError, "prn, max or ucr, not 'best'"),
        ({'backend': 'magic'}, BackendUnavailable, "no backend is called 'magic'; there are auto, "),
        ({'device': 'cuda:77', 'backend': 'eager'}, BackendUnavailable, 'cuda:77'),
    ],
)
def test_wrong_options_end_in_a_sentence(weights, options, error, sentence):
    with pytest.raises(error, match=sentence):
        PosePipeline(weights, **options)


def test_wrong_thresholds_and_images_end_in_a_sentence(weights):
    with pytest.raises(ParameterError, match="'score_threshold' must be 0 to 1, not 2"):
        Thresholds(score_threshold=2)
    with pytest.raises(ParameterError, match="'max_people'"):
        Thresholds(max_people=0)
    with pytest.raises(ImageError, match='uint8 array'):
        pipeline(weights, ScriptedBackend())(np.zeros((10, 10), np.uint8))
    with pytest.raises(WeightsError, match='nowhere.safetensors does not exist'):
        PosePipeline('nowhere.safetensors')


@pytest.mark.parametrize('field', RawDetections._fields)
@pytest.mark.parametrize('value', [np.nan, np.inf])
def test_an_answer_that_is_not_finite_is_an_error_and_not_nobody(weights, field, value):
    class Broken(ScriptedBackend):
        def __call__(self, images):
            seen = super().__call__(images)
            getattr(seen, field).flat[-1] = value
            return seen

    with pytest.raises(InferenceError, match='not finite .scripted'):
        pipeline(weights, Broken())(np.zeros((64, 64, 3), np.uint8))


STARTING = """
import sys
import time
from concurrent.futures import ThreadPoolExecutor
import numpy as np
from mpn_ros.pipeline.pipeline import PosePipeline
PosePipeline('lite', input_size=64, backend='eager')(np.zeros((48, 64, 3), np.uint8))
print('torch._dynamo' in sys.modules)
"""


def test_a_start_does_not_wait_for_the_compiler_of_pytorch():
    """Importing it takes a second, and only backends that export or compile need it."""
    done = subprocess.run([sys.executable, '-c', STARTING], capture_output=True, text=True, check=True)
    assert done.stdout == 'False\n'


class SecondLookBackend(ScriptedBackend):
    """In windows, which are smaller than the input, it sees a box and a nose of its own."""

    def __init__(self, window_box, window_nose, **first):
        super().__init__(**first)
        self.window = ScriptedBackend([window_box] if window_box else [], [(0, *window_nose)], (0, 0, 48, 48))

    def __call__(self, images):
        looks_again = images.shape[1:3] != (384, 384)
        return self.window(images) if looks_again else super().__call__(images)


# A person of 24x48 pixels in an image of 384x384, of which the window shows a part at 85 / sqrt(0.523 * 24 * 48).
SMALL = (180, 168, 204, 216, 0.9)


def refined(weights, backend, **options):
    return pipeline(weights, backend, refine=4, **options)(np.zeros((384, 384, 3), np.uint8))


def test_a_small_person_is_as_seen_in_the_window(weights):
    backend = SecondLookBackend((30, 40, 100, 160, 0.8), (70, 60, 0.7), boxes=[SMALL], peaks=[(0, 190, 180, 0.5)])
    result = refined(weights, backend)
    (person,), [pixels] = result.people, backend.window.batches
    assert result.windows == 1 and result.broken_windows == 0 and result.refine_seconds > 0
    [window] = plan_windows((384, 384), np.array([SMALL], np.float32), 1.0, 4, WindowSettings())
    assert pixels.shape == (1, *window.input_size[::-1], 3)
    np.testing.assert_allclose(person.box, window.boxes_to_image(np.array([30, 40, 100, 160.0])), atol=0.01)
    np.testing.assert_allclose(person.keypoints[0, :2], window.points_to_image(np.array([70, 60.0])), atol=0.01)
    assert person.keypoints[0, 2] == pytest.approx(0.7) and person.score == pytest.approx(0.9)


def test_images_do_not_wait_for_windows_that_are_being_prepared(weights):
    begun, go_on = threading.Event(), threading.Event()

    class Slow(SecondLookBackend):
        info = BackendInfo('scripted', 'float32', concurrent=True)

        def __call__(self, images):
            if threading.current_thread() is not threading.main_thread():  # the one that prepares
                begun.set()
                assert go_on.wait(60)
            return super().__call__(images)

    made = pipeline(weights, Slow((30, 40, 100, 160, 0.8), (70, 60, 0.7), boxes=[SMALL]), refine=4)
    image = np.zeros((384, 384, 3), np.uint8)
    with ThreadPoolExecutor(1) as threads:
        prepared = threads.submit(made.warm)
        assert begun.wait(60)
        meanwhile = made(image)
        go_on.set()
        prepared.result(60)
    assert len(meanwhile.people) == 1 and meanwhile.windows == 0
    assert made(image).windows == 1


def test_a_box_of_somebody_else_in_the_window_is_not_the_persons(weights):
    backend = SecondLookBackend((0, 0, 20, 20, 0.9), (70, 60, 0.7), boxes=[SMALL])
    np.testing.assert_allclose(refined(weights, backend).people[0].box, SMALL[:4], atol=0.01)


def test_the_mask_is_that_of_both_looks(weights):
    backend = SecondLookBackend(None, (70, 60, 0.7), boxes=[SMALL])
    result = refined(weights, backend, thresholds=Thresholds(mask_threshold=0.4))
    assert result.mask[192, 192] == 255 and result.mask[5, 5] == 0  # the first look sees nobody: the mean is a half
    assert not refined(weights, backend, thresholds=Thresholds(mask_threshold=0.6)).mask.any()


def test_a_window_whose_answer_is_not_finite_leaves_what_the_first_look_saw(weights, caplog):
    backend = SecondLookBackend((30, 40, 100, 160, 0.8), (70, np.nan, 0.7), boxes=[SMALL], peaks=[(0, 190, 180, 0.5)])
    result = refined(weights, backend)
    assert (result.windows, result.broken_windows) == (0, 1)
    np.testing.assert_allclose(result.people[0].keypoints[0], [190, 180, 0.5], atol=1e-4)
    assert 'not finite in 1 of 1 windows' in caplog.text


def test_without_windows_there_is_one_look(weights):
    backend = SecondLookBackend(None, (70, 60, 0.7), boxes=[SMALL])
    made = pipeline(weights, backend, refine=0)
    assert made(np.zeros((384, 384, 3), np.uint8)).windows == 0 and not backend.window.batches
    made.refine = 4
    assert made(np.zeros((384, 384, 3), np.uint8)).windows == 1


def test_who_gets_no_window_keeps_the_first_look(weights):
    people = [(40 + 120 * i, 168, 64 + 120 * i, 216, 0.9 - 0.1 * i) for i in range(3)]
    backend = SecondLookBackend(None, (64, 96, 0.7), boxes=people, peaks=[(0, *((50 + 120 * 2), 180), 0.5)])
    made = pipeline(weights, backend, refine=2)
    result = made(np.zeros((384, 384, 3), np.uint8))
    assert result.windows == 2
    np.testing.assert_allclose(result.people[2].keypoints[0], [290, 180, 0.5], atol=1e-4)


def test_windows_of_several_images_go_back_to_their_own(weights):
    backend = SecondLookBackend(None, (64, 96, 0.7), boxes=[SMALL])
    images = [np.zeros((384, 384, 3), np.uint8), np.zeros((192, 192, 3), np.uint8)]
    large, small = pipeline(weights, backend, refine=4).batch(images)
    assert large.windows == small.windows == 1
    nose = [result.people[0].keypoints[0, :2] for result in (large, small)]
    np.testing.assert_allclose(nose[0], 2 * nose[1] + 0.5, atol=1.5)


def test_warming_prepares_every_shape_of_a_window(weights):
    backend = ScriptedBackend()
    made = pipeline(weights, backend, refine=4)
    made.warm()
    assert {batch.shape[2:0:-1] for batch in backend.batches} == set(WindowSettings().shapes)
    made.refine, backend.batches = 0, []
    made.warm()
    assert backend.batches == []


def test_where_people_are_expected_windows_alone_are_looked_at(weights):
    backend = SecondLookBackend((30, 40, 100, 160, 0.8), (70, 60, 0.7))
    image = np.zeros((384, 384, 3), np.uint8)
    made = pipeline(weights, backend, refine=4)
    result, whole = made.batch([image, image], expected=[np.array([SMALL[:4]]), None])
    assert not result.whole and whole.whole and whole.people == ()
    (person,) = result.people
    [window] = plan_windows((384, 384), np.array([SMALL], np.float32), 1.0, 4, WindowSettings())
    np.testing.assert_allclose(person.box, window.boxes_to_image(np.array([30, 40, 100, 160.0])), atol=0.01)
    assert person.score == pytest.approx(0.8) and person.keypoints[0, 2] == pytest.approx(0.7)
    assert result.mask.shape == (384, 384) and result.mask[192, 192] == 255 and result.mask[5, 5] == 0


def test_who_is_expected_and_not_found_is_not_answered(weights):
    backend = SecondLookBackend(None, (70, 60, 0.7))
    [result] = pipeline(weights, backend, refine=4).batch(
        [np.zeros((384, 384, 3), np.uint8)], expected=[np.array([SMALL[:4]])]
    )
    assert result.people == () and not result.whole and result.windows == 1


def test_more_people_than_windows_or_none_within_the_image_take_a_look_at_the_whole(weights):
    backend = SecondLookBackend(None, (70, 60, 0.7))
    image, far_apart = np.zeros((384, 384, 3), np.uint8), [np.array([[0, 0, 20, 40], [340, 340, 360, 380]])]
    made = pipeline(weights, backend, refine=1)
    assert made.batch([image], expected=far_apart)[0].whole
    assert made.batch([image], expected=[np.array([[500, 0, 520, 40]])])[0].whole
    assert made.batch([image], expected=[np.empty((0, 4))])[0].whole
    made.refine = 2
    assert not made.batch([image], expected=far_apart)[0].whole
