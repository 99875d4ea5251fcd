"""The network as it runs: uint8 pixels in, peaks, boxes and person probability out, in one graph.

``InferenceGraph`` has static shapes; ``AnySizeInferenceGraph`` is for a backend that sets them later.
Everything that a GPU or an exporter should see is here; what depends on how many people there are is left to the
pipeline.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from mpn_ros.conventions import HEATMAP_STRIDE, INPUT_MULTIPLE
from mpn_ros.network.anchors import PER_CELL, decode_boxes, make_anchors
from mpn_ros.network.layers import Normalise
from mpn_ros.network.multiposenet import MultiPoseNet, NetworkOutput
from mpn_ros.raw_detections import BOXES, PEAKS, RawDetections

_FLOOR = 1e-4  # below this a heatmap is noise; it also keeps the logarithm finite


def find_peaks(heatmaps: torch.Tensor, count: int = PEAKS) -> torch.Tensor:
    """The ``count`` highest local maxima of each heatmap ``(B, K, h, w)``: ``(B, K, count, 3)`` x, y in input pixels
    and score.

    A maximum is a cell that no cell of its 3x3 neighbourhood exceeds; of equal neighbours the first counts. Its
    sub-cell position is the vertex of the parabola through the logarithms of the three cells in each direction, which
    is exact for a Gaussian, at most half a cell away.
    """
    height, width = heatmaps.shape[2:]
    heatmaps = heatmaps.clamp(min=_FLOOR)
    rows = F.max_pool2d(heatmaps, (1, 3), 1, (0, 1))
    # The neighbours that come before a cell, row by row; who is above them is above the floor.
    above = F.pad(rows, (0, 0, 1, 0), value=_FLOOR)[..., :-1, :]
    left = F.pad(heatmaps, (1, 0), value=_FLOOR)[..., :-1]
    is_peak = (F.max_pool2d(rows, (3, 1), 1, (1, 0)) == heatmaps) & (heatmaps > torch.maximum(above, left))
    score, index = torch.where(is_peak, heatmaps, torch.zeros_like(heatmaps)).flatten(2).topk(count)
    row, column = torch.div(index, width, rounding_mode='floor'), index % width
    values, centre = heatmaps.flatten(2), score.clamp(min=_FLOOR).log()

    def vertex(position: torch.Tensor, cells: int, step: int) -> torch.Tensor:
        """How far from the cell in one direction; on the border the neighbour inside counts twice: it stays there."""
        before, after = torch.where(position > 0, -step, step), torch.where(position < cells - 1, step, -step)
        low, high = values.gather(2, index + before).log(), values.gather(2, index + after).log()
        curvature = (2 * centre - low - high).clamp(min=1e-6)
        return (0.5 * (high - low) / curvature).clamp(-0.5, 0.5)

    x, y = column + vertex(column, width, 1), row + vertex(row, height, width)
    return torch.stack(((x + 0.5) * HEATMAP_STRIDE - 0.5, (y + 0.5) * HEATMAP_STRIDE - 0.5, score.clamp(max=1)), -1)


class InferenceGraph(nn.Module):
    """``(B, height, width, 3)`` uint8 RGB to ``RawDetections``; height and width are fixed, multiples of 32."""

    anchors: torch.Tensor

    def __init__(self, network: MultiPoseNet, height: int, width: int):
        super().__init__()
        if height % INPUT_MULTIPLE or width % INPUT_MULTIPLE or min(height, width) < INPUT_MULTIPLE:
            raise ValueError(f'the input must have sides that are multiples of {INPUT_MULTIPLE}, not {height}x{width}')
        self.network = network
        self.normalise = Normalise(network.preset.preprocessing)
        self.register_buffer('anchors', make_anchors(height, width, network.anchor_strides), persistent=False)

    def forward(self, images: torch.Tensor) -> RawDetections:
        output = self.network(self.normalise(images))
        heatmaps = self._heatmaps(output)
        # Bounds make numbers of NaN in some backends, and a broken answer would be "nobody". A number less itself is 0,
        # NaN and infinity less themselves are NaN, which the caller then finds.
        total = output.heatmaps.float().sum(1)
        broken = total - total
        boxes = self._boxes(images, output)
        return RawDetections(find_peaks(heatmaps[:, :-1]), boxes, heatmaps[:, -1].clamp(max=1) + broken)

    def dense(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What ``forward`` makes its peaks and mask from, ``(B, K + 1, H/4, W/4)`` heatmaps with the person probability
        last, and the same boxes."""
        output = self.network(self.normalise(images))
        return self._heatmaps(output), self._boxes(images, output)

    def _heatmaps(self, output: NetworkOutput) -> torch.Tensor:
        return self.network.keypoint_head.scores(output.heatmaps.float())

    def _boxes(self, images: torch.Tensor, output: NetworkOutput) -> torch.Tensor:
        logits = output.class_logits.float().unflatten(1, (-1, PER_CELL))
        score, cell = logits.amax(-1).sigmoid().topk(min(BOXES, logits.shape[1]))
        return _decode_best(output, logits, score, cell, self.anchors)


class AnySizeInferenceGraph(InferenceGraph):
    """``InferenceGraph`` of images of any size, to be traced: all that depends on the size is computed from it, and
    becomes constant where the size of the traced graph is set. Of boxes there are always ``BOXES``; where there are
    fewer cells, the rest has score 0.

    Trace it with ``torch.jit.trace``: ``torch.export`` with open sizes takes many times as long.
    """

    def __init__(self, network: MultiPoseNet):
        super().__init__(network, INPUT_MULTIPLE, INPUT_MULTIPLE)

    def _boxes(self, images: torch.Tensor, output: NetworkOutput) -> torch.Tensor:
        anchors = make_anchors(images.shape[1], images.shape[2], self.network.anchor_strides)
        logits = output.class_logits.float().unflatten(1, (-1, PER_CELL))
        score, cell = F.pad(logits.amax(-1).sigmoid(), (0, BOXES)).topk(BOXES)
        return _decode_best(output, logits, score, cell.clamp(max=logits.shape[1] - 1), anchors)


def _decode_best(
    output: NetworkOutput, logits: torch.Tensor, score: torch.Tensor, cell: torch.Tensor, anchors: torch.Tensor
) -> torch.Tensor:
    """``(B, M, 5)``: the best box of each ``cell`` ``(B, M)`` and its ``score`` ``(B, M)``; ``logits`` are ``(B, cells,
    PER_CELL)``."""
    # Not max with its indices: Torch-TensorRT cannot convert it, and only these cells are asked for.
    anchor = logits.gather(1, cell[..., None].expand(-1, -1, PER_CELL)).argmax(-1)
    index = cell * PER_CELL + anchor
    offsets = output.box_offsets.float().gather(1, index[..., None].expand(-1, -1, 4))
    return torch.cat((decode_boxes(offsets, anchors[index]), score[..., None]), -1)
