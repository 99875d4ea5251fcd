"""Several looks at an image agree in its pixels: what is averaged must lie at the same place."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mpn_ros.errors import ImageError, ParameterError
from mpn_ros.evaluation.augmented import AugmentedPipeline, align_boxes, align_heatmaps
from mpn_ros.inference_graph import find_peaks
from mpn_ros.network.multiposenet import MultiPoseNet
from mpn_ros.network.prn import PoseResidualNetwork
from mpn_ros.pipeline.letterbox import compute_letterbox
from mpn_ros.pipeline.pipeline import PosePipeline, Thresholds
from mpn_ros.presets import preset
from mpn_ros.skeleton import COCO
from mpn_ros.weights import Weights

IMAGE = 150, 203
"""Height and width in pixels: a content that is no multiple of 32 at any scale."""
FLIP = [*COCO.flip, len(COCO)]


def heatmaps_of(points: np.ndarray, letterbox) -> torch.Tensor:
    """``(1, K + 1, h, w)``: a Gaussian for each point ``(K + 1, 2)`` given in the image's pixels."""
    width, height = letterbox.input_size
    centre = ((points + 0.5) * letterbox.scale - 0.5 + 0.5) / 4 - 0.5
    x, y = np.arange(width // 4), np.arange(height // 4)[:, None]
    distance = (x - centre[:, 0, None, None]) ** 2 + (y - centre[:, 1, None, None]) ** 2
    return torch.from_numpy(np.exp(-distance / (2 * 1.5**2)).astype(np.float32))[None]


@pytest.mark.parametrize('scale', [128, 192, 256])
@pytest.mark.parametrize('mirrored', [False, True])
def test_heatmaps_and_boxes_of_every_view_lie_where_the_reference_has_them(scale, mirrored):
    random = np.random.default_rng(0)
    points = random.uniform((20, 20), (IMAGE[1] - 20, IMAGE[0] - 20), (18, 2))
    view, reference = compute_letterbox((*IMAGE, 3), scale), compute_letterbox((*IMAGE, 3), 256)
    seen = points.copy()
    if mirrored:
        seen[:, 0] = IMAGE[1] - 1 - seen[:, 0]
        seen = seen[FLIP]
    aligned = align_heatmaps(heatmaps_of(seen, view), view, reference, FLIP if mirrored else None)
    assert aligned.shape == (1, 18, reference.input_size[1] // 4, reference.input_size[0] // 4)
    found = reference.points_to_image(find_peaks(aligned, 1)[0, :, 0, :2].numpy())
    np.testing.assert_allclose(found, points, atol=0.4)

    edges = np.array([30, 40, 90, 120], np.float32)
    mirror = np.array([IMAGE[1] - 90, 40, IMAGE[1] - 30, 120], np.float32) if mirrored else edges
    box = np.append(mirror * np.tile(view.scale, 2), 0.7)[None]
    expected = np.append(edges * np.tile(reference.scale, 2), 0.7)
    np.testing.assert_allclose(align_boxes(box, view, reference, mirrored)[0], expected, rtol=1e-5)


@pytest.fixture(scope='module')
def pipeline() -> PosePipeline:
    torch.manual_seed(0)
    lite = preset('lite')
    parts = {'network': MultiPoseNet(lite).state_dict(), 'prn': PoseResidualNetwork(lite.prn, 17).state_dict()}
    return PosePipeline(
        Weights(lite, parts, {}, 'made by the test'),
        backend='eager',
        device='cpu',
        precision='fp32',
        input_size=128,
        thresholds=Thresholds(score_threshold=0, keypoint_threshold=0, max_people=5),
    )


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (*IMAGE, 3), np.uint8)


def test_one_look_is_the_pipelines_own(pipeline, image):
    plain, once = pipeline(image, 'bgr'), AugmentedPipeline(pipeline, [128], flip=False)(image, 'bgr')
    assert len(plain.people) == len(once.people) == 5
    for expected, found in zip(plain.people, once.people):
        np.testing.assert_allclose(found.box, expected.box, atol=0.01)
        assert found.score == pytest.approx(expected.score, abs=1e-5)
    np.testing.assert_array_equal(once.mask, plain.mask)


def test_with_its_mirror_an_image_has_the_mirror_of_its_mirror_images_mask(pipeline, image, monkeypatch):
    heatmaps, _ = pipeline.backend.dense(
        compute_letterbox(image.shape, 128).apply(image, 'rgb', pipeline.pad_value)[None]
    )
    middle = float(heatmaps[0, -1].median())
    monkeypatch.setattr(pipeline, 'thresholds', Thresholds(mask_threshold=middle))
    both = AugmentedPipeline(pipeline, [96, 128], flip=True)
    here, there = both(image).mask, both(np.ascontiguousarray(image[:, ::-1])).mask
    assert 0.1 < (here > 0).mean() < 0.9
    assert (here != there[:, ::-1]).mean() < 0.01
    alone = pipeline(np.ascontiguousarray(image[:, ::-1])).mask
    assert (pipeline(image).mask != alone[:, ::-1]).mean() > 0.01, 'without the mirror this would prove nothing'


@pytest.mark.parametrize('scales', [[128, 100], [0]])
def test_wrong_scales_end_in_a_sentence(pipeline, scales):
    with pytest.raises(ParameterError, match=f'multiple of 32 .* not {scales[-1]}'):
        AugmentedPipeline(pipeline, scales, flip=False)


def test_what_is_no_image_ends_in_a_sentence(pipeline):
    with pytest.raises(ImageError, match='uint8 array'):
        AugmentedPipeline(pipeline, [128], flip=True)(np.zeros((8, 8), np.uint8))


def test_a_backend_without_heatmaps_is_refused(pipeline, monkeypatch):
    class Fast:
        info = 'abacus'

    monkeypatch.setattr(pipeline, 'backend', Fast())
    with pytest.raises(ParameterError, match='only the backend eager gives, not abacus'):
        AugmentedPipeline(pipeline, [128], flip=True)
