"""The Pose Residual Network (section 3.4): which of the peaks in a person's box are that person's joints.

The network maps a crop of ``height * width`` cells and ``K`` joints to another of the same shape, ``Y = phi(X) + X``
(Eq. 1). Both sides are needed in few places only: the input is zero but for the peaks, and the output is read where the
peaks are. ``candidate_logits`` computes just that, a sum of a few weight rows in place of a matrix product, and equals
``forward`` there.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mpn_ros.presets import PRNConfig


def blur_matrix(cells: int, sigma: float) -> Tensor:
    """``(cells, cells)``: the Gaussian of ``sigma`` cells along one axis, as a matrix whose column j is what a 1 in
    cell j becomes. Beyond the border the border's own value is repeated; the kernel sums to one. The identity where
    ``sigma`` is 0."""
    if sigma == 0:
        return torch.eye(cells)
    reach = int(4 * sigma + .5)
    offsets = torch.arange(-reach, reach + 1)
    kernel = torch.exp(-.5 * (offsets / sigma) ** 2)
    source = (torch.arange(cells)[:, None] + offsets).clamp(0, cells - 1)
    return torch.zeros(cells, cells).scatter_add_(1, source, (kernel / kernel.sum()).expand(cells, -1))


class PoseResidualNetwork(nn.Module):
    """A residual multilayer perceptron over crops. Crops are flattened with the joint fastest:
    ``(y * width + x) * K + joint``.

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
        self.register_buffer('blur_y', blur_matrix(config.height, config.blur), persistent=False)
        self.register_buffer('blur_x', blur_matrix(config.width, config.blur), persistent=False)

    def forward(self, crops: Tensor) -> Tensor:
        """Logits of already blurred ``crops`` ``(P, height, width, K)``, in the same shape; the paper's output is their
        softmax over all cells and joints of a crop (``probabilities``)."""
        flat = crops.flatten(1)
        correction = self.decode(self._body(self.encode(flat)))
        return self._residual(correction, flat).view_as(crops)

    def probabilities(self, crops: Tensor) -> Tensor:
        """The paper's output for blurred ``crops`` ``(P, height, width, K)``: each crop sums to one."""
        return self(crops).flatten(1).softmax(1).view_as(crops)

    def rasterise(self, candidates: Tensor) -> Tensor:
        """The blurred crops ``(P, height, width, K)`` that ``forward`` takes, of candidates as in
        ``candidate_logits``."""
        people, joints = candidates.shape[:2]
        x, y = self._cells(candidates)
        crops = candidates.new_zeros(people, self.config.height * self.config.width, joints)
        crops.scatter_add_(1, (y * self.config.width + x).transpose(1, 2), candidates[..., 2].transpose(1, 2))
        crops = crops.view(people, self.config.height, self.config.width, joints)
        return torch.einsum('yv,xu,pvuk->pyxk', self.blur_y, self.blur_x, crops)

    def encoder_rows(self) -> Tensor:
        """``(height * width * K, nodes)``: for each cell and joint what a 1 there adds to the first layer, blur
        included. It changes
        only with the weights: compute it once for inference."""
        config = self.config
        weight = self.encode.weight.t().reshape(config.height, config.width, -1)
        if config.blur > 0:
            weight = torch.einsum('yv,yxn->vxn', self.blur_y, weight)
            weight = torch.einsum('xu,vxn->vun', self.blur_x, weight)
        return weight.reshape(-1, config.nodes)

    def candidate_logits(self, candidates: Tensor, encoder_rows: Tensor) -> Tensor:
        """The network's output where the candidates are.

        candidates: ``(P, K, N, 3)``: for each person and joint up to N peaks: x and y in the crop, 0..1 from edge to
        edge, and the peak's score 0..1, its weight in the input; a score of 0 marks an unused row.
        encoder_rows: of this network's ``encoder_rows()``.
        Returns ``(P, K, N)``, -inf in unused rows.
        """
        x, y = self._cells(candidates)
        score = candidates[..., 2]
        used = score > 0
        person, joint, _ = used.nonzero().unbind(1)
        near = self.blur_y[y[used][:, None], y[person, joint]] * self.blur_x[x[used][:, None], x[person, joint]]
        blurred = (near * score[person, joint]).sum(-1)

        cell = (y * self.config.width + x)[used] * self.keypoints + joint
        first = torch.searchsorted(person, torch.arange(len(candidates), device=person.device))
        code = F.embedding_bag(cell, encoder_rows, first, mode='sum', per_sample_weights=score[used]) + self.encode.bias
        correction = (self.decode.weight[cell] * self._body(code)[person]).sum(-1) + self.decode.bias[cell]
        logits = torch.full_like(score, float('-inf'))
        logits[used] = self._residual(correction, blurred)
        return logits

    def _cells(self, candidates: Tensor) -> tuple[Tensor, Tensor]:
        """Columns and rows ``(P, K, N)`` of the grid."""
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


def assignment_probabilities(logits: Tensor) -> Tensor:
    """How likely each candidate is the person's joint: the softmax over the logits ``(P, K, N)`` of a joint's
    candidates and of one empty cell, 0, which stands for 'none of them'. Returns ``(P, K, N)`` with sums over N of at
    most 1."""
    return F.pad(logits, (0, 1)).softmax(-1)[..., :-1]
