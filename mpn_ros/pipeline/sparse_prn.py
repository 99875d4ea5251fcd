"""The Pose Residual Network where the peaks are, in numpy.

The network's input is zero but for the peaks, and its output is read where the peaks are. So the first layer is a sum
of a few weight rows and the last one a few dot products, which take less time than PyTorch needs to start its
operators: people of many images cost little more than one person.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from mpn_ros.network.blur import blur_matrix
from mpn_ros.presets import PRNConfig
from mpn_ros.weights import as_array


class PRN(Protocol):
    """What has the parameters of a PRN: ``PoseResidualNetwork``, or weights as they are stored. ``keypoints`` is K."""

    @property
    def config(self) -> PRNConfig:
        """Its design."""

    @property
    def keypoints(self) -> int:
        """K."""

    def state_dict(self) -> Mapping[str, Any]:
        """Arrays or tensors by their names."""


class SparsePRN:
    """``PoseResidualNetwork.candidate_logits`` for inference, with the weights that ``prn`` has now."""

    def __init__(self, prn: PRN) -> None:
        self._config, self._keypoints = prn.config, prn.keypoints
        state = {name: np.array(as_array(value), np.float32) for name, value in prn.state_dict().items()}
        self._blur_y = blur_matrix(self._config.height, self._config.blur)
        self._blur_x = blur_matrix(self._config.width, self._config.blur)
        self._encode, self._encode_bias = self._rows(state['encode.weight']), state['encode.bias']
        self._hidden = [
            (state[f'hidden.{index}.weight'].T.copy(), state[f'hidden.{index}.bias'])
            for index in range(self._config.layers - 1)
        ]
        self._decode, self._decode_bias = state['decode.weight'], state['decode.bias']

    def _rows(self, weight: np.ndarray) -> np.ndarray:
        """``(height * width * K, nodes)``: for each cell and keypoint what a 1 there adds to the first layer ``(nodes,
        height * width * K)``, blur included."""
        config, rows = self._config, weight.T.copy()
        if config.blur > 0:
            rows = self._blur_y.T @ rows.reshape(config.height, -1)
            rows = self._blur_x.T @ rows.reshape(config.height, config.width, -1)
        return rows.reshape(-1, config.nodes)

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
        code = self._sums(person, self._encode[cell] * weight[:, None], people) + self._encode_bias
        code = code.clip(0)
        for matrix, bias in self._hidden:
            code = (code @ matrix + bias).clip(0)
        correction = np.einsum('mn,mn->m', self._decode[cell], code[person]) + self._decode_bias[cell]
        if config.rectify:
            correction = correction.clip(0)
        logits[used] = correction + config.residual * self._blurred(person * self._keypoints + keypoint, x, y, weight)
        return logits

    @staticmethod
    def _sums(person: np.ndarray, rows: np.ndarray, people: int) -> np.ndarray:
        """``(people, nodes)``: the sum of the ``rows`` ``(M, nodes)`` of each ``person`` ``(M,)``, ascending."""
        sums = np.zeros((people, rows.shape[1]), np.float32)
        first = np.flatnonzero(np.diff(person, prepend=-1))
        if len(first):
            sums[person[first]] = np.add.reduceat(rows, first, 0)
        return sums

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
