"""The Pose Residual Network where the peaks are, in numpy.

The network's input is zero but for the peaks, and its output is read where the peaks are. So the first layer is a sum
of a few weight rows and the last one a few dot products, which take less time than PyTorch needs to start its
operators: people of many images cost little more than one person.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import csr_array

from mpn_ros.network.prn import PoseResidualNetwork


class SparsePRN:
    """``PoseResidualNetwork.candidate_logits`` for inference, with the weights that ``prn`` has now."""

    @torch.inference_mode()
    def __init__(self, prn: PoseResidualNetwork) -> None:
        self._config, self._keypoints = prn.config, prn.keypoints
        self._encode, self._encode_bias = _array(prn.encoder_rows()), _array(prn.encode.bias)
        self._hidden = [
            (_array(layer.weight.t()), _array(layer.bias)) for layer in prn.hidden if isinstance(layer, torch.nn.Linear)
        ]
        self._decode, self._decode_bias = _array(prn.decode.weight), _array(prn.decode.bias)
        self._blur_y, self._blur_x = _array(prn.blur_y), _array(prn.blur_x)

    def __call__(self, candidates: np.ndarray) -> np.ndarray:
        """``(P, K, N, 3)`` float32 as ``candidate_logits`` takes them to ``(P, K, N)`` float32, -inf in unused rows."""
        config, people = self._config, len(candidates)
        logits = np.full(candidates.shape[:3], -np.inf, np.float32)
        used = candidates[..., 2] > 0
        person, keypoint, _ = used.nonzero()
        chosen = candidates[used]
        x = (chosen[:, 0] * config.width).astype(int).clip(0, config.width - 1)
        y = (chosen[:, 1] * config.height).astype(int).clip(0, config.height - 1)
        weight = chosen[:, 2]
        cell = (y * config.width + x) * self._keypoints + keypoint
        ends = np.searchsorted(person, np.arange(people + 1))
        code = csr_array((weight, cell, ends), (people, len(self._encode))) @ self._encode + self._encode_bias
        code = code.clip(0)
        for matrix, bias in self._hidden:
            code = (code @ matrix + bias).clip(0)
        correction = np.einsum('mn,mn->m', self._decode[cell], code[person]) + self._decode_bias[cell]
        if config.rectify:
            correction = correction.clip(0)
        logits[used] = correction + config.residual * self._blurred(person * self._keypoints + keypoint, x, y, weight)
        return logits

    def _blurred(self, crop: np.ndarray, x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """``(M,)``: the blurred input where M candidates are. Each adds to those of the same person and keypoint, whose
        common number is ``crop``, ascending."""
        first, last = np.searchsorted(crop, crop), np.searchsorted(crop, crop, side='right')
        total = np.zeros(len(crop), np.float32)
        for turn in range(int((last - first).max(initial=0))):
            other = first + turn
            some = other < last
            other = other[some]
            total[some] += self._blur_y[y[some], y[other]] * self._blur_x[x[some], x[other]] * weight[other]
        return total


def assignment_probabilities(logits: np.ndarray) -> np.ndarray:
    """How likely each candidate is the person's keypoint: the softmax over the logits ``(P, K, N)`` of a keypoint's
    candidates and of one empty cell, 0, which stands for 'none of them'. Returns ``(P, K, N)`` with sums over N of at
    most 1."""
    highest = logits.max(-1, keepdims=True, initial=0)
    likely = np.exp(logits - highest)
    return likely / (likely.sum(-1, keepdims=True) + np.exp(-highest))


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.float().cpu().numpy().copy()  # so that it stays as it is, and contiguous
