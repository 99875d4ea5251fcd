"""The Pose Residual Network in numpy is that in PyTorch."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from mpn_ros.network.prn import PoseResidualNetwork
from mpn_ros.pipeline.sparse_prn import SparsePRN, assignment_probabilities
from mpn_ros.presets import PRNConfig

SMALL = PRNConfig(height=9, width=6, nodes=7, layers=2, rectify=True)


def network(config: PRNConfig = SMALL) -> PoseResidualNetwork:
    torch.manual_seed(0)
    prn = PoseResidualNetwork(config, keypoints=3).eval()
    for parameter in prn.parameters():
        parameter.data.normal_(0, 0.5)
    return prn


def some_candidates(people: int = 4) -> np.ndarray:
    """Three keypoints with up to five peaks each, most rows unused, two peaks in one cell; the second person has
    none."""
    random = np.random.default_rng(1)
    candidates = random.random((people, 3, 5, 3), np.float32)
    candidates[..., 2] *= random.random((people, 3, 5)) < 0.6
    candidates[0, 0, :2] = 0.3, 0.6, 0.9
    candidates[1] = 0
    return candidates


@pytest.mark.parametrize(
    'change',
    [
        {},
        {'residual': 0},
        {'residual': 7.0},
        {'rectify': False},
        {'blur': 0.0},
        {'blur': 2.5},
        {'layers': 1},
        {'layers': 3},
    ],
)
def test_it_is_the_network_in_pytorch(change: dict[str, object]) -> None:
    prn, candidates = network(dataclasses.replace(SMALL, **change)), some_candidates()
    with torch.inference_mode():
        expected = prn.candidate_logits(torch.from_numpy(candidates)).numpy()
    found = SparsePRN(prn)(candidates)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert (np.isneginf(found) == (candidates[..., 2] == 0)).all(), 'unused rows must not have a logit'


def test_nobody() -> None:
    assert SparsePRN(network())(np.zeros((0, 3, 5, 3), np.float32)).shape == (0, 3, 5)


def test_later_training_does_not_reach_it() -> None:
    prn, candidates = network(), some_candidates()
    sparse = SparsePRN(prn)
    before = sparse(candidates)
    for parameter in prn.parameters():
        parameter.data.zero_()
    np.testing.assert_array_equal(sparse(candidates), before)


def test_probabilities_leave_room_for_none_of_them() -> None:
    logits = np.array([[[0.0, 0.0, -np.inf], [-np.inf] * 3, [99.0, -9.0, -9.0]]])
    found = assignment_probabilities(logits)
    np.testing.assert_allclose(found[0, 0], [1 / 3, 1 / 3, 0])
    assert not found[0, 1].any()
    assert found[0, 2, 0] > 0.99
