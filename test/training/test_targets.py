"""Targets: where the peaks stand, what W hides, which anchors answer."""

import dataclasses

import numpy as np
import pytest
import torch

from mpn_ros.inference_graph import find_peaks
from mpn_ros.network.anchors import decode_boxes, make_anchors
from mpn_ros.training.augment import Sample
from mpn_ros.training.targets import anchor_targets, draw_peak, heatmap_target, peak_sigma


def sample(boxes=(), points=(), mask=None, size=128, **more):
    keypoints = np.zeros((len(boxes), 17, 3), np.float32)
    for person, keypoint, x, y in points:
        keypoints[person, keypoint] = x, y, 2
    return Sample(
        np.zeros((size, size, 3), np.uint8),
        np.zeros((size, size), np.uint8) if mask is None else mask,
        np.asarray(boxes, np.float32).reshape(-1, 4),
        keypoints,
        **more,
    )


@pytest.mark.parametrize(('x', 'y'), [(50.0, 70.0), (61.5, 33.2), (40.25, 90.9)])
def test_the_peak_that_is_drawn_is_the_peak_that_the_pipeline_finds(x, y):
    target = heatmap_target(sample([(10, 10, 110, 120)], [(0, 5, x, y)]))
    found = find_peaks(torch.from_numpy(target.heatmaps[None, :17]))[0, 5, 0]
    np.testing.assert_allclose(found[:2], [x, y], atol=0.1)
    assert target.heatmaps[[*range(5), *range(6, 17)]].max() == 0


def test_two_people_leave_two_peaks_of_full_height():
    target = heatmap_target(sample([(0, 0, 60, 120), (60, 0, 120, 120)], [(0, 0, 29.5, 49.5), (1, 0, 81.5, 49.5)]))
    assert target.heatmaps[0].max() == pytest.approx(1) and (target.heatmaps[0] > 0.99).sum() == 2


def test_the_peak_grows_with_the_person_within_bounds():
    assert [peak_sigma(np.array([0, 0, s, s])) for s in (10, 140, 500)] == pytest.approx([1, 1.4, 2])


def test_a_peak_beyond_the_border_leaves_its_foot_only():
    heatmap = np.zeros((8, 8), np.float32)
    draw_peak(heatmap, -2, 4, 1)
    assert 0 < heatmap.max() < 0.2 and heatmap[4, 0] == heatmap.max()
    draw_peak(heatmap, -50, 4, 1)  # far outside: nothing, and no error


def test_unlabelled_people_are_hidden_from_the_loss_and_labelled_ones_are_not():
    mask = np.zeros((128, 128), np.uint8)
    mask[20:60, 20:60] = 255  # inside the labelled person's box
    mask[80:120, 80:120] = 255  # somebody without labels
    target = heatmap_target(sample([(16, 16, 64, 64)], [(0, 0, 30, 30)], mask))
    assert target.weight[10, 10] == 1 and target.weight[25, 25] == 0 and target.weight[2, 28] == 1
    np.testing.assert_allclose(target.heatmaps[17][[10, 25, 2], [10, 25, 28]], [1, 1, 0])


def test_a_person_without_any_labelled_keypoint_is_hidden_too():
    mask = np.zeros((128, 128), np.uint8)
    mask[20:60, 20:60] = 255
    assert heatmap_target(sample([(16, 16, 64, 64)], [], mask)).weight[10, 10] == 0


def square(x0, y0, x1, y1):
    """White pixels on black."""
    pixels = np.zeros((128, 128), np.uint8)
    pixels[y0:y1, x0:x1] = 255
    return pixels


def test_keypoints_of_a_person_without_any_are_hidden_in_its_box_whatever_the_mask_says_and_the_box_is_learnt():
    target = heatmap_target(sample([(40, 40, 80, 80)]))
    assert (target.weight[9:21, 9:21] == 0).all() and target.weight[8, 15] == target.weight[15, 21] == 1
    assert (target.box_weight == 1).all() and (target.mask_weight == 1).all()


def test_a_labelled_keypoint_is_learnt_in_the_box_of_a_person_without_any():
    target = heatmap_target(sample([(0, 0, 128, 128), (40, 40, 80, 80)], [(1, 0, 61.5, 61.5)]))
    assert target.weight[15, 15] == 1 and target.weight[15, 17] == 1 and target.weight[2, 2] == 0


def test_a_crowd_is_ignored_in_all_three_losses():
    target = heatmap_target(sample(crowd=square(40, 40, 80, 80), complete=True))
    for weight in (target.weight, target.mask_weight, target.box_weight):
        assert (weight[10:20, 10:20] == 0).all() and weight.sum() == 32 * 32 - 100


def test_the_rest_of_a_complete_image_is_background_and_that_of_another_is_not():
    mask = square(80, 80, 120, 120)
    complete, other = (heatmap_target(sample(mask=mask, complete=complete)) for complete in (True, False))
    assert (complete.weight == 1).all() and (complete.box_weight == 1).all()
    assert (other.weight[20:30, 20:30] == 0).all() and (other.box_weight[20:30, 20:30] == 0).all()


def test_without_a_mask_none_is_learnt():
    target = heatmap_target(dataclasses.replace(sample([(40, 40, 80, 80)], [(0, 0, 50, 50)]), mask=None))
    assert (target.mask_weight == 0).all() and (target.weight == 1).all()


def test_anchors_of_a_person_decode_to_its_box():
    anchors = make_anchors(128, 128)
    box = torch.tensor([[20.0, 10.0, 70.0, 110.0]])
    labels, offsets = anchor_targets(box, anchors, torch.zeros(32, 32, dtype=torch.bool), 128)
    positive = labels == 1
    assert positive.any() and (labels == 0).any() and (labels == -1).any()
    torch.testing.assert_close(decode_boxes(offsets[positive], anchors[positive]), box.expand(int(positive.sum()), 4))


def test_even_a_tiny_person_has_an_anchor_unless_it_is_below_the_smallest_box():
    anchors, nobody = make_anchors(128, 128), torch.zeros(32, 32, dtype=torch.bool)
    assert (anchor_targets(torch.tensor([[50.0, 50.0, 57.0, 58.0]]), anchors, nobody, 128)[0] == 1).sum() == 1
    assert (anchor_targets(torch.tensor([[50.0, 50.0, 53.0, 53.0]]), anchors, nobody, 128)[0] == 1).sum() == 0


def test_anchors_on_unlabelled_people_are_left_out_not_background():
    anchors, ignored = make_anchors(128, 128), torch.zeros(32, 32, dtype=torch.bool)
    ignored[:, 16:] = True
    labels, _ = anchor_targets(torch.zeros(0, 4), anchors, ignored, 128)
    centre = (anchors[:, 0] + anchors[:, 2]) / 2
    assert (labels[centre > 64] == -1).all() and (labels[centre < 64] == 0).all()


def test_a_box_across_the_border_is_learnt_as_what_is_visible_of_it():
    anchors = make_anchors(128, 128)
    labels, offsets = anchor_targets(
        torch.tensor([[-40.0, 20.0, 60.0, 120.0]]), anchors, torch.zeros(32, 32, dtype=torch.bool), 128
    )
    torch.testing.assert_close(
        decode_boxes(offsets[labels == 1][:1], anchors[labels == 1][:1]), torch.tensor([[0.0, 20.0, 60.0, 120.0]])
    )
