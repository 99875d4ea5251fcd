"""The losses of the two subnets (Eq. 4 and section 3.5)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F

from mpn_ros.training import distributed

_FOCAL_ALPHA, _FOCAL_GAMMA = 0.25, 2.0
_SMOOTH_L1_BETA = 1 / 9
_DICE_SHARE = 0.2


def keypoint_loss(
    output: torch.Tensor, target: torch.Tensor, weight: torch.Tensor, peaks: torch.Tensor, activation: str
) -> torch.Tensor:
    """Loss of keypoint heatmaps ``(B, K, h, w)`` against ``target`` of the same shape, weighted by W ``(B, h, w)``;
    ``peaks`` is the number of labelled keypoints in the batch.

    'linear': W ||H_t - H_p||^2 (Eq. 4), summed over the keypoints and averaged over the cells. 'sigmoid': the output is
    read as logits, and cross-entropy with the soft target takes the place of the square: its gradient is the same
    H_p - H_t, and like Eq. 4 it is least at the expected heatmap, which a focal loss is not: that one raises what is
    uncertain and blurs the peaks. Divided by the number of peaks.
    """
    if activation == 'linear':
        return (weight * ((output - target) ** 2).sum(1)).mean()
    entropy = F.binary_cross_entropy_with_logits(output, target, reduction='none')
    return (weight[:, None] * entropy).sum() / peaks.clamp(min=1)


def mask_loss(
    output: torch.Tensor, target: torch.Tensor, activation: str, weight: torch.Tensor | None = None
) -> torch.Tensor:
    """Loss of person masks ``(B, h, w)`` against the share of each cell that is a person's, where ``weight`` of the
    same shape is 1; everywhere without it.

    'linear': the square of Eq. 4 for one more heatmap. 'sigmoid': cross-entropy, and a share of the Dice loss
    (Milletari et al., 3DV 2016) of the whole batch, since IoU is what counts and most of an image is background.
    """
    weight = torch.ones_like(target) if weight is None else weight
    cells = distributed.mean(weight.sum()).clamp(min=1)
    if activation == 'linear':
        return (weight * (output - target).square()).sum() / cells
    target, probability = weight * target, weight * output.sigmoid()
    shared = distributed.total((probability * target).sum())
    dice = 1 - (2 * shared + 1) / (distributed.total(probability.sum() + target.sum()) + 1)
    entropy = F.binary_cross_entropy_with_logits(output, target, reduction='none')
    return (weight * entropy).sum() / cells + _DICE_SHARE * dice


def intermediate_loss(
    outputs: Sequence[torch.Tensor],
    target: torch.Tensor,
    weight: torch.Tensor,
    peaks: torch.Tensor,
    activation: str,
    mask_weight: torch.Tensor | None = None,
) -> torch.Tensor:
    """Mean loss of the heads on K2..K5: each is compared at its own stride, with peaks kept by a maximum and the mask
    averaged; what is hidden from a cell at stride 4 is hidden from the one that holds it."""
    losses = []
    mask_weight = torch.ones_like(weight) if mask_weight is None else mask_weight
    for output in outputs:
        size = output.shape[-2], output.shape[-1]
        wanted = torch.cat(
            (F.adaptive_max_pool2d(target[:, :-1], size), F.adaptive_avg_pool2d(target[:, -1:], size)), 1
        )
        certain, masked = (-F.adaptive_max_pool2d(-where[:, None], size)[:, 0] for where in (weight, mask_weight))
        losses.append(
            keypoint_loss(output[:, :-1], wanted[:, :-1], certain, peaks, activation)
            + mask_loss(output[:, -1], wanted[:, -1], activation, masked)
        )
    return torch.stack(losses).mean()


def detector_loss(
    logits: torch.Tensor, offsets: torch.Tensor, labels: torch.Tensor, targets: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Focal loss (gamma 2, alpha 0.25) and smooth L1 of ``(B, A)`` logits and ``(B, A, 4)`` offsets, each over the
    number of positives: that of all processes, so that a batch means the same however many share it."""
    positive, used = labels == 1, labels >= 0
    count = distributed.mean(positive.sum()).clamp(min=1)
    entropy = F.binary_cross_entropy_with_logits(logits, positive.float(), reduction='none')
    probability = logits.sigmoid()
    miss = torch.where(positive, 1 - probability, probability)
    alpha = torch.where(positive, _FOCAL_ALPHA, 1 - _FOCAL_ALPHA)
    focal = (alpha * miss**_FOCAL_GAMMA * entropy)[used].sum() / count
    box = F.smooth_l1_loss(offsets[positive], targets[positive], reduction='sum', beta=_SMOOTH_L1_BETA) / (4 * count)
    return focal, box
