"""Training patches as pictures: what was asked for beside what the network says."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch

from mpn_ros.inference_graph import InferenceGraph
from mpn_ros.network.layers import Normalise
from mpn_ros.network.multiposenet import MultiPoseNet
from mpn_ros.pipeline.nms import nms

_SHOWN = 0.3  # score from which a box is drawn
_OVERLAP = 0.4


@torch.inference_mode()
def examples(network: MultiPoseNet, patches: Sequence[dict[str, torch.Tensor]]) -> np.ndarray:
    """``(N S, 4 S, 3)`` uint8 RGB, a row for each of N patches of S pixels, items of a ``PatchDataset``: the patch with
    its labelled boxes, the target heatmaps, the network's, and its boxes. Keypoints are red, the mask is blue."""
    device = next(network.parameters()).device
    images = torch.stack([patch['image'] for patch in patches]).to(device)
    graph = InferenceGraph(network, *images.shape[1:3]).to(device)
    scores = network.keypoint_head.scores(network(Normalise(network.preset.preprocessing).to(device)(images)).heatmaps)
    found = graph(images).boxes.cpu().numpy()
    rows = []
    for patch, heatmaps, boxes in zip(patches, scores.cpu(), found):
        pixels = patch['image'].numpy()
        sure = nms(boxes, score_threshold=_SHOWN, iou_threshold=_OVERLAP, max_boxes=len(boxes))
        rows.append(
            np.concatenate(
                [
                    _with_boxes(pixels, patch['boxes'].numpy()),
                    _with_heatmaps(pixels, patch['heatmaps'].numpy()),
                    _with_heatmaps(pixels, heatmaps.numpy()),
                    _with_boxes(pixels, sure),
                ],
                1,
            )
        )
    return np.concatenate(rows)


def _with_boxes(pixels: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    canvas = pixels.copy()
    # A network that goes astray has its boxes anywhere, and cv2 takes small numbers alone.
    within = np.nan_to_num(boxes[:, :4]).clip(-1, len(pixels) + 1)
    for x0, y0, x1, y1 in within.round().astype(int).tolist():
        cv2.rectangle(canvas, (x0, y0), (x1 - 1, y1 - 1), (255, 220, 0), 1)
    return canvas


def _with_heatmaps(pixels: np.ndarray, heatmaps: np.ndarray) -> np.ndarray:
    """``heatmaps`` ``(K + 1, h, w)`` over the darkened patch."""
    layers = np.zeros((*heatmaps.shape[1:], 3), np.float32)
    layers[..., 0], layers[..., 2] = heatmaps[:-1].max(0).clip(0, 1), 0.6 * heatmaps[-1].clip(0, 1)
    layers = cv2.resize(layers, pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return (0.35 * pixels + 255 * layers).clip(0, 255).astype(np.uint8)
