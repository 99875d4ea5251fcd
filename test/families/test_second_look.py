"""The second look with networks whose keypoints come with their boxes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mpn_ros.backends.base import BackendInfo
from mpn_ros.families.backend import perceived
from mpn_ros.families.base import Poses, Traits
from mpn_ros.families.network import open_network
from mpn_ros.pipeline.pipeline import PosePipeline
from mpn_ros.pipeline.windows import plan_windows

SIZE = 640, 480
BOX = np.array([300, 200, 330, 260, 0.9], np.float32)
"""A person in the image, too small for the first look."""
ORDER = np.arange(17)


def poses(*people: tuple[np.ndarray, float]) -> Poses:
    """Each with all keypoints at one x."""
    keypoints = np.array([np.tile([x, 50, 0.8], (17, 1)) for _, x in people], np.float32).reshape(-1, 17, 3)
    return Poses(np.array([box for box, _ in people], np.float32).reshape(-1, 5), keypoints)


class Scripted:
    """Sees the person as a whole, and in a window who is asked for."""

    info = BackendInfo('scripted', 'float32')

    def __init__(self, whole: Poses, window: Poses) -> None:
        self.whole, self.window, self.shapes = whole, window, []

    def __call__(self, images):
        self.shapes.append(images.shape[1:3])
        seen = self.whole if images.shape[2] == SIZE[0] else self.window
        return perceived([seen] * len(images), ORDER, Traits('scripted', people=300))


@pytest.fixture
def pipeline(save):
    """A network that takes any size, whose keypoints count from the edge; ``make(window)`` has it see that in one."""
    network = open_network(save({'out': np.zeros((1, 300, 57))}, ['batch', 3, 'height', 'width']))

    def make(window: Poses, **options) -> PosePipeline:
        made = PosePipeline(network, input_size=SIZE[0], precision='fp32', refine=2, **options)
        made.backend = Scripted(poses((BOX, 310)), window)
        return made

    return make


def window_of(pipeline):
    (window,) = plan_windows(SIZE, BOX[None], 1.0, 2, pipeline.windows)
    return window


IMAGE = np.zeros((*SIZE[::-1], 3), np.uint8)


def test_keypoints_are_those_of_the_same_person_in_the_window(pipeline):
    made = pipeline(poses())
    window = window_of(made)
    inside = np.append(window.boxes_to_input(BOX[:4]), 0.7).astype(np.float32)
    other = np.array([0, 0, 20, 40, 0.95], np.float32)
    made = pipeline(poses((other, 5), (inside, 90)))
    (person,) = made(IMAGE).people
    # Counted from the edge: divided by the scale alone.
    expected = 90 / window.letterbox.scale[0] + window.corner[0]
    np.testing.assert_allclose(person.keypoints[:, 0], expected, atol=1e-3)
    np.testing.assert_allclose(person.box, BOX[:4], atol=0.5)
    assert person.score == pytest.approx(0.9) and made.backend.shapes[1:] == [window.input_size[::-1]]


def test_who_is_not_found_again_keeps_the_first_keypoints(pipeline):
    (person,) = pipeline(poses((np.array([0, 0, 20, 40, 0.95]), 5)))(IMAGE).people
    np.testing.assert_allclose(person.keypoints[:, 0], 310)
    result = pipeline(poses())(IMAGE)
    np.testing.assert_allclose(result.people[0].keypoints[:, 0], 310)
    assert result.mask is None


def test_windows_alone_follow_people_who_are_expected(pipeline):
    made = pipeline(poses())
    settings = replace(made.windows, right=(0.0, 0.0), faint=0.0)
    (window,) = plan_windows(SIZE, BOX[None], 1.0, 2, settings)
    inside = np.append(window.boxes_to_input(BOX[:4]), 0.7).astype(np.float32)
    made = pipeline(poses((inside, 90)))
    (result,) = made.batch([IMAGE], expected=[BOX[None, :4]])
    (person,) = result.people
    assert result.mask is None and len(made.backend.shapes) == 1
    np.testing.assert_allclose(person.keypoints[:, 0], 90 / window.letterbox.scale[0] + window.corner[0], atol=1e-3)


def test_nobody_is_looked_at_again_unless_that_is_asked_for(save):
    network = open_network(save({'out': np.zeros((1, 300, 57))}, ['batch', 3, 'height', 'width']))
    assert PosePipeline(network, precision='fp32').refine == 0


def test_a_network_of_one_size_has_windows_of_that_size(save):
    network = open_network(save({'out': np.zeros((1, 300, 57))}, [1, 3, 96, 128]))
    assert PosePipeline(network, precision='fp32', refine=1).windows.shapes == ((128, 96),)
