"""Losses: what lowers them and what must not move them."""

import pytest
import torch

from mpn_ros.training.losses import detector_loss, intermediate_loss, keypoint_loss, mask_loss


def target():
    heatmaps = torch.zeros(2, 18, 8, 8)
    heatmaps[0, 3, 2, 5] = heatmaps[1, 7, 6, 6] = 1
    heatmaps[:, 17, :4] = 1
    return heatmaps, torch.ones(2, 8, 8)


PEAKS = torch.tensor(2)


@pytest.mark.parametrize('activation', ['linear', 'sigmoid'])
def test_the_truth_costs_nearly_nothing_and_the_opposite_much(activation):
    wanted, weight = target()
    right = wanted if activation == 'linear' else torch.where(wanted > 0.5, 20.0, -20.0)
    wrong = 1 - wanted if activation == 'linear' else -right
    for output, cheap in ((right, True), (wrong, False)):
        keypoints = keypoint_loss(output[:, :-1], wanted[:, :-1], weight, PEAKS, activation)
        mask = mask_loss(output[:, -1], wanted[:, -1], activation)
        assert (keypoints < 1e-3 and mask < 1e-3) if cheap else (keypoints > 0.5 and mask > 0.5)


@pytest.mark.parametrize('activation', ['linear', 'sigmoid'])
def test_where_w_is_zero_keypoints_cost_nothing_and_teach_nothing(activation):
    wanted, weight = target()
    weight[0, 2, 5] = 0
    output = torch.full((2, 17, 8, 8), 0.1, requires_grad=True)
    keypoint_loss(output, wanted[:, :-1], weight, PEAKS, activation).backward()
    assert output.grad[0, :, 2, 5].abs().max() == 0 and output.grad[0, 3, 2, 4] != 0


def test_linear_is_equation_4():
    wanted, weight = target()
    weight[1] = 0
    output = torch.full_like(wanted, 0.25)
    by_hand = (weight[:, None] * (wanted - output)[:, :17] ** 2).sum() / (2 * 8 * 8)
    torch.testing.assert_close(keypoint_loss(output[:, :17], wanted[:, :17], weight, PEAKS, 'linear'), by_hand)


def test_the_mask_fears_a_missed_person_more_than_a_false_alarm_of_the_same_size():
    wanted = torch.zeros(1, 16, 16)
    wanted[0, :2, :4] = 1
    sure = torch.where(wanted > 0.5, 6.0, -6.0)
    missed, alarm = sure.clone(), sure.clone()
    missed[0, :2, :4] = -6
    alarm[0, 8:10, :4] = 6
    costs = [mask_loss(output, wanted, 'sigmoid') for output in (missed, alarm, sure)]
    assert costs[0] > 1.2 * costs[1] > 2 * costs[2]


@pytest.mark.parametrize('activation', ['linear', 'sigmoid'])
def test_where_its_weight_is_zero_the_mask_costs_nothing_and_teaches_nothing(activation):
    wanted, weight = target()
    weight[:, :4, :2] = 0
    output = torch.full((2, 8, 8), 0.1, requires_grad=True)
    mask_loss(output, wanted[:, -1], activation, weight).backward()
    assert output.grad[:, :4, :2].abs().max() == 0 and output.grad[0, 0, 4] != 0
    changed = wanted[:, -1].clone()
    changed[:, :4, :2] = 0
    costs = [mask_loss(output, truth, activation, weight) for truth in (wanted[:, -1], changed)]
    assert costs[0] == costs[1]
    assert mask_loss(output, wanted[:, -1], activation, torch.zeros_like(weight)) < 1e-6


def test_intermediate_levels_are_compared_at_their_own_stride_with_peaks_kept():
    wanted, weight = target()
    coarse = torch.zeros(2, 18, 2, 2)
    coarse[0, 3, 0, 1] = coarse[1, 7, 1, 1] = 1
    coarse[:, 17, 0] = 1
    assert intermediate_loss([wanted, coarse], wanted, weight, PEAKS, 'linear') == 0
    assert intermediate_loss([wanted, coarse.flip(-1)], wanted, weight, PEAKS, 'linear') > 0


def test_detector_loss_leaves_out_what_is_labelled_minus_one():
    labels = torch.tensor([[1.0, 0.0, -1.0]])
    targets = torch.zeros(1, 3, 4)
    logits, offsets = torch.zeros(1, 3, requires_grad=True), torch.ones(1, 3, 4, requires_grad=True)
    focal, box = detector_loss(logits, offsets, labels, targets)
    (focal + box).backward()
    assert logits.grad[0].sign().tolist() == [-1, 1, 0]
    assert (offsets.grad[0].abs().sum(-1) > 0).tolist() == [True, False, False]


def test_focal_loss_is_the_published_formula():
    logits = torch.tensor([[2.0, -1.0]])
    labels = torch.tensor([[1.0, 0.0]])
    p = logits.sigmoid()[0]
    by_hand = -0.25 * (1 - p[0]) ** 2 * p[0].log() - 0.75 * p[1] ** 2 * (1 - p[1]).log()
    torch.testing.assert_close(detector_loss(logits, torch.zeros(1, 2, 4), labels, torch.zeros(1, 2, 4))[0], by_hand)


def test_a_batch_without_people_is_still_a_lesson():
    focal, box = detector_loss(torch.zeros(1, 4), torch.zeros(1, 4, 4), torch.zeros(1, 4), torch.zeros(1, 4, 4))
    assert focal > 0 and box == 0
