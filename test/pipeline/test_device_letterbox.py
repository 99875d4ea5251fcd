"""The letterbox on a device answers as OpenCV's; here the device is the CPU."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest
import torch

from mpn_ros.backends.eager import EagerBackend
from mpn_ros.pipeline.device_letterbox import DeviceLetterbox, area_weights, linear_weights
from mpn_ros.pipeline.letterbox import compute_letterbox, pad_to_common_size
from mpn_ros.pipeline.looks import Plan
from mpn_ros.pipeline.pipeline import GPU_BATCH, GPU_WINDOWS, PosePipeline, Thresholds
from mpn_ros.pipeline.windows import plan_windows

SHAPES = [
    (480, 640),
    (1080, 1920),
    (1920, 1080),
    (17, 999),
    (384, 384),
    (31, 7),
    (100, 300),
    (768, 768),
    (2, 3000),
    (1000, 3),
    (500, 383),
]


@pytest.fixture
def make_image():
    """Noise above, smooth below: both aliasing and rounding would show."""
    random = np.random.default_rng(0)

    def make(height: int, width: int) -> np.ndarray:
        image = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
        image[height // 2 :] = cv2.GaussianBlur(image, (5, 5), 2)[height // 2 :]
        return image

    return make


@pytest.fixture(params=[torch.float32, torch.float16])
def letterbox(request):
    made = DeviceLetterbox(torch.device('cpu'))
    made._dtype = request.param  # float16 is what a GPU computes in
    return made


@pytest.mark.parametrize('order', ['rgb', 'bgr'])
@pytest.mark.parametrize('shape', SHAPES)
def test_pixels_are_those_of_opencv(letterbox, make_image, shape, order):
    image = make_image(*shape)
    box = compute_letterbox(image.shape, 384)
    wanted = box.apply(image, order, 114).astype(int)
    found = letterbox([image], [box], [order], 114)[0].numpy()
    assert found.shape == wanted.shape
    difference = np.abs(found - wanted)
    assert difference.max() <= 1 and difference.mean() < 0.15


def test_a_batch_of_several_kinds(letterbox, make_image):
    images = [make_image(*shape) for shape in [(480, 640), (480, 640), (300, 200), (480, 640), (480, 640)]]
    orders = ['rgb', 'rgb', 'rgb', 'bgr', 'rgb']
    boxes = pad_to_common_size([compute_letterbox(image.shape, 128) for image in images])
    wanted = np.stack([box.apply(image, order, 90) for box, image, order in zip(boxes, images, orders)]).astype(int)
    assert np.abs(letterbox(images, boxes, orders, 90).numpy() - wanted).max() <= 1


def test_one_batch_leaves_nothing_in_the_next(letterbox, make_image):
    first, second = make_image(200, 300), make_image(60, 60)
    box = compute_letterbox(first.shape, 96)
    before = letterbox([first], [box], ['rgb'], 0).clone()
    other = compute_letterbox(second.shape, 96)
    wanted = other.apply(second, 'rgb', 7).astype(int)
    assert np.abs(letterbox([second], [other], ['rgb'], 7)[0].numpy() - wanted).max() <= 1
    assert torch.equal(letterbox([first], [box], ['rgb'], 0), before)


def test_any_array_is_taken(letterbox, make_image):
    """Rows that begin in steps, an image from below, one that may not be written to."""
    image = make_image(120, 200)
    views = [image[:, :160], image[::-1], image[:, :, ::-1]]
    image.flags.writeable = False
    for view in (image, *views):
        box = compute_letterbox(view.shape, 64)
        wanted = box.apply(np.ascontiguousarray(view), 'rgb', 0).astype(int)
        assert np.abs(letterbox([view], [box], ['rgb'], 0)[0].numpy() - wanted).max() <= 1


@pytest.mark.parametrize('weights', [area_weights, linear_weights])
@pytest.mark.parametrize('source, target', [(1, 5), (5, 1), (640, 384), (384, 384), (7, 87)])
def test_what_is_of_one_colour_stays_so(weights, source, target):
    assert weights(source, target).shape == (target, source)
    np.testing.assert_allclose(weights(source, target).sum(1), 1, atol=1e-5)


class Recorded:
    """A backend that keeps what it is given."""

    def __init__(self, backend) -> None:
        self._backend, self.info, self.given = backend, backend.info, []

    def __call__(self, pixels):
        self.given.append(pixels)
        return self._backend(pixels)


def on_a_gpu(monkeypatch) -> None:
    """The eager backend says that its device, the CPU, is a GPU."""
    info = EagerBackend.info.fget
    monkeypatch.setattr(EagerBackend, 'info', property(lambda self: dataclasses.replace(info(self), gpu=self.device)))


def test_the_pipeline_uses_it_where_the_backend_has_a_gpu(monkeypatch, make_image):
    """The CPU in the place of the GPU: the backend is given a tensor, and the mask is the same."""
    on_a_gpu(monkeypatch)
    pipeline = PosePipeline('lite', backend='eager', device='cpu', precision='fp32', refine=0)
    pipeline.backend = Recorded(pipeline.backend)
    image, thresholds = make_image(300, 400), Thresholds(mask_threshold=0.05, score_threshold=0.05)
    pipeline.thresholds = thresholds
    on_device = pipeline(image, 'bgr')
    pipeline._on_gpu = None
    on_host = pipeline(image, 'bgr')
    tensor, array = pipeline.backend.given
    assert isinstance(tensor, torch.Tensor) and isinstance(array, np.ndarray)
    assert np.abs(tensor.numpy() - array.astype(int)).max() <= 1
    assert (on_device.mask != on_host.mask).mean() < 0.01
    assert len(on_device.people) == len(on_host.people)


def test_windows_too_are_made_there_in_batches_of_one_size(monkeypatch, make_image):
    on_a_gpu(monkeypatch)
    pipeline = PosePipeline('lite', backend='eager', device='cpu', precision='fp32', refine=2)
    boxes = np.array([[10, 20, 40, 90, 0.9], [200, 50, 260, 280, 0.8], [300, 10, 330, 60, 0.7]], np.float32)
    plans = [
        Plan(0, window, boxes[list(window.people)]) for window in plan_windows((400, 300), boxes, 1.0, 3, GPU_WINDOWS)
    ]
    pipeline.backend = Recorded(pipeline.backend)
    image = make_image(300, 400)
    on_device = pipeline.see([image], ['bgr'], plans)
    pipeline._on_gpu = None
    on_host = pipeline.see([image], ['bgr'], plans)
    assert len(plans) > 1 and [pixels.shape[0] for pixels in pipeline.backend.given] == [GPU_BATCH, len(plans)]
    assert all(len(part) == len(plans) for part in on_device)
    np.testing.assert_allclose(on_device.person, on_host.person, atol=0.05)
