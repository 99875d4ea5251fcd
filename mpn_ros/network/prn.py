"""The Pose Residual Network (section 3.4): which of the peaks in a person's box are that person's keypoints.

The network maps a crop of ``height * width`` cells and ``K`` keypoints to another of the same shape, ``Y = phi(X) + X``
(Eq. 1). Both sides are needed in few places only: the input is zero but for the peaks, and the output is read where the
peaks are. ``candidate_logits`` computes the output just there and equals ``forward``.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mpn_ros.network.blur import blur_matrix, blur_reach
from mpn_ros.presets import PRNConfig


class PoseResidualNetwork(nn.Module):
    """A residual multilayer perceptron over crops. Crops are flattened with the keypoint fastest:
    ``(y * width + x) * K + keypoint``.

    ``encode``, ``hidden.0``... and ``decode`` are the dense layers; the published networks have one hidden layer beside
    ``encode`` (``layers=2``) and clip the correction at zero (``rectify``). ``keypoints`` is K.
    """

    blur_y: Tensor
    blur_x: Tensor

    def __init__(self, config: PRNConfig, keypoints: int = 17) -> None:
        super().__init__()
        self.config, self.keypoints = config, keypoints
        cells = config.height * config.width * keypoints
        self.encode = nn.Linear(cells, config.nodes)
        self.hidden = nn.ModuleList(nn.Linear(config.nodes, config.nodes) for _ in range(config.layers - 1))
        self.decode = nn.Linear(config.nodes, cells)
        self.dropout = nn.Dropout(config.dropout)
        self.register_buffer('blur_y', torch.from_numpy(blur_matrix(config.height, config.blur)), persistent=False)
        self.register_buffer('blur_x', torch.from_numpy(blur_matrix(config.width, config.blur)), persistent=False)

    def forward(self, crops: Tensor) -> Tensor:
        """Logits of already blurred ``crops`` ``(P, height, width, K)``, in the same shape; the paper's output is their
        softmax over all cells and keypoints of a crop (``probabilities``)."""
        flat = crops.flatten(1)
        correction = self.decode(self._body(self.encode(flat)))
        return self._residual(correction, flat).view_as(crops)

    def probabilities(self, crops: Tensor) -> Tensor:
        """The paper's output for blurred ``crops`` ``(P, height, width, K)``: each crop sums to one."""
        return self(crops).flatten(1).softmax(1).view_as(crops)

    def rasterise(self, candidates: Tensor) -> Tensor:
        """The blurred crops ``(P, height, width, K)`` that ``forward`` takes, of candidates as in
        ``candidate_logits``."""
        (height, width), reach = (self.config.height, self.config.width), blur_reach(self.config.blur)
        used = candidates[..., 2] > 0
        person, keypoint, _ = used.nonzero().unbind(1)
        x, y = self._cells(candidates[used])
        offsets = torch.arange(-reach, reach + 1, device=candidates.device)
        rows, columns = y[:, None] + offsets, x[:, None] + offsets
        near_y = self.blur_y[rows.clamp(0, height - 1), y[:, None]] * ((rows >= 0) & (rows < height))
        near_x = self.blur_x[columns.clamp(0, width - 1), x[:, None]] * ((columns >= 0) & (columns < width))
        value = (near_y * candidates[used][:, 2:])[:, :, None] * near_x[:, None]
        cell = ((person * height)[:, None] + rows.clamp(0, height - 1)) * width
        cell = (cell[:, :, None] + columns.clamp(0, width - 1)[:, None]) * self.keypoints + keypoint[:, None, None]
        crops = candidates.new_zeros(len(candidates) * height * width * self.keypoints)
        return crops.index_add_(0, cell.flatten(), value.flatten()).view(-1, height, width, self.keypoints)

    def candidate_logits(self, candidates: Tensor) -> Tensor:
        """The network's output where the candidates are, for training: large batches touch most cells, so the first
        layer is a matrix product. ``mpn_ros.pipeline.sparse_prn`` has it for inference.

        candidates: ``(P, K, N, 3)``: for each person and keypoint up to N peaks: x and y in the crop, 0..1 from edge to
        edge, and the peak's score 0..1, its weight in the input; a score of 0 marks an unused row.
        Returns ``(P, K, N)``, -inf in unused rows.
        """
        score = candidates[..., 2]
        used = score > 0
        person, keypoint, _ = used.nonzero().unbind(1)
        x, y = self._cells(candidates[used])
        cell = (y * self.config.width + x) * self.keypoints + keypoint
        crops = self.rasterise(candidates).flatten(1)
        code = self._body(self.encode(crops))
        # As embeddings, for which the gradient is much faster than that of an index.
        correction = torch.linalg.vecdot(F.embedding(cell, self.decode.weight), F.embedding(person, code))
        logits = torch.full_like(score, float('-inf'))
        logits[used] = self._residual(correction + self.decode.bias[cell], crops[person, cell])
        return logits

    def _cells(self, candidates: Tensor) -> tuple[Tensor, Tensor]:
        """Columns and rows of the grid, ``(...)`` each, of candidates ``(..., 3)``."""
        x = (candidates[..., 0] * self.config.width).long().clamp(0, self.config.width - 1)
        y = (candidates[..., 1] * self.config.height).long().clamp(0, self.config.height - 1)
        return x, y

    def _body(self, code: Tensor) -> Tensor:
        code = self.dropout(F.relu(code))
        for layer in self.hidden:
            code = self.dropout(F.relu(layer(code)))
        return code

    def _residual(self, correction: Tensor, crops: Tensor) -> Tensor:
        if self.config.rectify:
            correction = F.relu(correction)
        return correction + self.config.residual * crops


class Assignment(nn.Module):
    """What the grouper asks of a PRN, as one graph in which no shape depends on a value, for exporters: candidates
    ``(P, K, N, 3)`` as in ``candidate_logits`` to ``(P, K, N)``, how likely each is the person's, the rest to 1 of a
    keypoint's being "none of them"; 0 in unused rows. The matrix products are whole, 0.14 GFLOP a person with the
    paper's sizes.
    """

    def __init__(self, prn: PoseResidualNetwork) -> None:
        super().__init__()
        self.prn = prn

    def forward(self, candidates: Tensor) -> Tensor:
        prn, dtype = self.prn, self.prn.decode.weight.dtype
        score = candidates[..., 2]
        x, y = prn._cells(candidates)
        # The column of a blur matrix is what a peak in that cell becomes along that axis.
        down = (prn.blur_y.t()[y] * score[..., None]).to(dtype)
        crops = (down.transpose(2, 3) @ prn.blur_x.t()[x].to(dtype)).permute(0, 2, 3, 1)
        cell = (y * prn.config.width + x) * prn.keypoints + torch.arange(prn.keypoints, device=x.device)[:, None]
        logits = prn(crops).flatten(1).gather(1, cell.flatten(1)).view_as(score)
        logits = logits.float().masked_fill(score <= 0, float('-inf'))
        return F.pad(logits, (0, 1)).softmax(-1)[..., :-1]
