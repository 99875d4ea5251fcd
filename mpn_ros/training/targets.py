"""What the losses compare with: heatmaps and the mask W (section 3.2, Eq. 4), and the anchors' labels (section 3.3)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch

from mpn_ros.conventions import HEATMAP_STRIDE
from mpn_ros.network.anchors import box_iou, encode_boxes
from mpn_ros.training.augment import Sample

_POSITIVE, _NEGATIVE = 0.5, 0.4  # RetinaNet's IoU thresholds
_SMALLEST_BOX = 4.0  # pixels inside the patch; less is not asked for
_IN_PEAK = 0.01  # a target above it belongs to a labelled keypoint


class HeatmapTarget(NamedTuple):
    """What a patch asks for, at stride 4.

    heatmaps: ``(K + 1, h, w)`` 0..1, the mask last. weight, mask_weight, box_weight: ``(h, w)``, 1 where heatmaps, mask
    and boxes are learnt and 0 where they are not. peaks: the number of labelled keypoints.
    """

    heatmaps: np.ndarray
    weight: np.ndarray
    mask_weight: np.ndarray
    box_weight: np.ndarray
    peaks: int


def peak_sigma(box: np.ndarray) -> float:
    """Standard deviation in heatmap cells: it grows with the person, as the tolerance of OKS does, between 1 and 2.

    The slope is that of MoveNet's peaks, measured on 2,640 visible keypoints of 120 training images, so that `lite`
    starts without a jolt.
    """
    area = max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])
    return min(2.0, max(1.0, 0.9 + math.sqrt(area) / 280))


def draw_peak(heatmap: np.ndarray, x: float, y: float, sigma: float) -> None:
    """Raises ``heatmap`` to a Gaussian of height 1 at ``x, y`` (cells, sub-cell exact); where peaks meet, the higher
    stands."""
    height, width = heatmap.shape
    reach = 3 * sigma
    x0, x1 = max(0, math.ceil(x - reach)), min(width, math.floor(x + reach) + 1)
    y0, y1 = max(0, math.ceil(y - reach)), min(height, math.floor(y + reach) + 1)
    if x0 >= x1 or y0 >= y1:
        return
    across = np.exp(-((np.arange(x0, x1) - x) ** 2) / (2 * sigma**2))
    down = np.exp(-((np.arange(y0, y1) - y) ** 2) / (2 * sigma**2))
    window = heatmap[y0:y1, x0:x1]
    np.maximum(window, down[:, None] * across[None], out=window)


def heatmap_target(sample: Sample) -> HeatmapTarget:
    """Peaks of all labelled keypoints and the person mask, with W (Eq. 4): where people have no labels nothing is
    learnt.

    Heatmaps are not learnt in the box of a person without any labelled keypoint, with its margin, but for the peaks of
    others in it. In an image that is not complete neither heatmaps nor boxes are learnt where the mask shows people
    that no person's box explains. In a crowd none of the three is, nor the mask where there is none.
    """
    cells, keypoints = len(sample.image) // HEATMAP_STRIDE, sample.keypoints.shape[1]
    heatmaps = np.zeros((keypoints + 1, cells, cells), np.float32)
    explained, hidden = np.zeros((2, cells, cells), bool)
    for box, pose in zip(sample.boxes, sample.keypoints):
        sigma = peak_sigma(box)
        for heatmap, (x, y, visibility) in zip(heatmaps, pose):
            if visibility > 0:
                draw_peak(heatmap, (x + 0.5) / HEATMAP_STRIDE - 0.5, (y + 0.5) / HEATMAP_STRIDE - 0.5, sigma)
        margin = 0.1 * (box[2:] - box[:2])
        x0, y0 = np.floor((box[:2] - margin).clip(0) / HEATMAP_STRIDE).astype(int)
        x1, y1 = np.ceil((box[2:] + margin).clip(0) / HEATMAP_STRIDE).astype(int)
        explained[y0:y1, x0:x1] = True
        if not (pose[:, 2] > 0).any():
            hidden[y0:y1, x0:x1] = True
    crowd = np.zeros_like(hidden) if sample.crowd is None else _in_cells(sample.crowd).max((1, 3)) > 0
    if sample.mask is not None:
        heatmaps[-1] = _in_cells(sample.mask).mean((1, 3)) / 255
    unlabelled = (heatmaps[-1] >= 0.5) & ~explained & (not sample.complete)
    return HeatmapTarget(
        heatmaps,
        (~(unlabelled | hidden | crowd) | (heatmaps[:-1].max(0) > _IN_PEAK)).astype(np.float32),
        (~crowd & (sample.mask is not None)).astype(np.float32),
        (~(unlabelled | crowd)).astype(np.float32),
        int((sample.keypoints[..., 2] > 0).sum()),
    )


def _in_cells(pixels: np.ndarray) -> np.ndarray:
    """``(S, S)`` as ``(h, 4, w, 4)``."""
    cells = len(pixels) // HEATMAP_STRIDE
    return pixels.reshape(cells, HEATMAP_STRIDE, cells, HEATMAP_STRIDE)


def anchor_targets(
    boxes: torch.Tensor, anchors: torch.Tensor, ignored: torch.Tensor, size: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Labels ``(A,)`` (1 person, 0 background, -1 left out) and offsets ``(A, 4)`` for the boxes ``(P, 4)`` of one
    patch.

    ``ignored`` ``(h, w)`` bool at stride 4: anchors centred on unlabelled people are left out instead of learnt as
    background.
    A box takes its best anchor even below the threshold, so that none goes unlearnt.
    """
    centre = ((anchors[:, :2] + anchors[:, 2:]) / 2 / HEATMAP_STRIDE).long()
    inside = (centre >= 0).all(1) & (centre < ignored.shape[0]).all(1)
    centre = centre.clamp(0, ignored.shape[0] - 1)
    labels = anchors.new_zeros(len(anchors))
    labels[ignored[centre[:, 1], centre[:, 0]] & inside] = -1
    offsets = anchors.new_zeros(len(anchors), 4)
    clipped = boxes.clamp(0, size)
    clipped = clipped[((clipped[:, 2:] - clipped[:, :2]) > _SMALLEST_BOX).all(1)]
    if not len(clipped):
        return labels, offsets
    overlap = box_iou(anchors, clipped)
    best, index = overlap.max(1)
    best_anchor = overlap.argmax(0)
    index[best_anchor] = torch.arange(len(clipped), device=index.device)
    labels[best >= _NEGATIVE] = -1
    labels[best >= _POSITIVE] = 1
    labels[best_anchor] = 1
    positive = labels == 1
    offsets[positive] = encode_boxes(clipped[index[positive]], anchors[positive])
    return labels, offsets
