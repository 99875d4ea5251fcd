"""The Pose Residual Network: the sparse evaluation is the dense one, and the published layers fit by renaming."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from mpn_ros.network.blur import blur_matrix
from mpn_ros.network.prn import Assignment, PoseResidualNetwork
from mpn_ros.pipeline.sparse_prn import SparsePRN, assignment_probabilities
from mpn_ros.presets import PRNConfig

SMALL = PRNConfig(height=9, width=6, nodes=7, layers=2, rectify=True)


def network(config: PRNConfig) -> PoseResidualNetwork:
    torch.manual_seed(0)
    prn = PoseResidualNetwork(config, keypoints=3).eval()
    for parameter in prn.parameters():
        parameter.data.normal_(0, 0.5)
    return prn


def some_candidates() -> torch.Tensor:
    """Two people of three keypoints with up to four peaks each, some rows unused, two peaks in one cell."""
    generator = torch.Generator().manual_seed(1)
    candidates = torch.rand(2, 3, 4, 3, generator=generator)
    candidates[0, 1, 1:, 2] = 0
    candidates[1, 2, :, 2] = 0
    candidates[1, 0, 1, :2] = candidates[1, 0, 0, :2]
    return candidates


@pytest.mark.parametrize(
    'change', [{}, {'residual': 0}, {'residual': 7.0}, {'rectify': False}, {'blur': 0.0}, {'blur': 2.5}, {'layers': 1}]
)
def test_sparse_equals_dense(change: dict[str, object]) -> None:
    prn, candidates = network(dataclasses.replace(SMALL, **change)), some_candidates()
    dense = prn(prn.rasterise(candidates))
    sparse = prn.candidate_logits(candidates)
    for person, keypoint, row in (candidates[..., 2] > 0).nonzero().tolist():
        x, y, _ = candidates[person, keypoint, row].tolist()
        expected = dense[person, int(y * 9), int(x * 6), keypoint].item()
        assert sparse[person, keypoint, row].item() == pytest.approx(expected, abs=1e-5)
    assert torch.isneginf(sparse[candidates[..., 2] == 0]).all(), 'unused rows must not have a logit'


@pytest.mark.parametrize('change', [{}, {'residual': 7.0}, {'blur': 0.0}])
def test_the_graph_for_exporters_is_the_groupers(change: dict[str, object]) -> None:
    prn, candidates = network(dataclasses.replace(SMALL, **change)), some_candidates()
    candidates[1] = 0  # nobody's peaks
    with torch.no_grad():
        found = Assignment(prn)(candidates).numpy()
    np.testing.assert_allclose(found, assignment_probabilities(SparsePRN(prn)(candidates.numpy())), atol=1e-5)


def test_a_person_without_candidates_is_no_error() -> None:
    prn = network(SMALL)
    candidates = torch.zeros(2, 3, 1, 3)
    candidates[1, 0, 0] = torch.tensor([0.5, 0.5, 1])
    logits, alone = prn.candidate_logits(candidates), prn.candidate_logits(candidates[1:])
    assert torch.isneginf(logits[0]).all()
    assert logits[1, 0, 0].item() == pytest.approx(alone[0, 0, 0].item(), abs=1e-6)


@pytest.mark.parametrize('sigma', [0.7, 1.0, 2.0])
def test_blur_is_that_of_the_published_network(sigma: float) -> None:
    image = np.zeros((12, 8))
    image[0, 3] = image[7, 7] = 1
    expected = gaussian_filter(image, sigma, mode='nearest')
    found = blur_matrix(12, sigma) @ image @ blur_matrix(8, sigma).T
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_published_layers_fit_by_renaming() -> None:
    """dens1, bneck and dens2 with their ReLU, the input added and a softmax over everything, as published, keypoint
    fastest."""
    generator = torch.Generator().manual_seed(2)
    cells = 9 * 6 * 3
    published = {}
    for name, rows, columns in (('dens1', 7, cells), ('bneck', 7, 7), ('dens2', cells, 7)):
        published[f'{name}.weight'] = torch.randn(rows, columns, generator=generator)
        published[f'{name}.bias'] = torch.randn(rows, generator=generator)
    names = {'dens1': 'encode', 'bneck': 'hidden.0', 'dens2': 'decode'}
    prn = PoseResidualNetwork(SMALL, keypoints=3).eval()
    prn.load_state_dict({f'{names[key.split(".")[0]]}.{key.split(".")[1]}': value for key, value in published.items()})

    keypoints = np.zeros((9, 6, 3), np.float32)
    keypoints[2, 3, 0] = keypoints[5, 1, 1] = keypoints[8, 5, 2] = 1
    crop = torch.from_numpy(gaussian_filter(keypoints, (1, 1, 0), mode='nearest'))
    flat = crop.reshape(1, -1)
    value = flat
    for name in ('dens1', 'bneck', 'dens2'):
        value = torch.relu(value @ published[f'{name}.weight'].t() + published[f'{name}.bias'])
    expected = torch.softmax(value + flat, 1).view(1, 9, 6, 3)
    torch.testing.assert_close(prn.probabilities(crop[None]), expected)

    centres = torch.tensor([[3.5, 2.5, 1], [1.5, 5.5, 1], [5.5, 8.5, 1]]) / torch.tensor([6, 9, 1])
    torch.testing.assert_close(prn.rasterise(centres[None, :, None]), crop[None])


def test_the_paper_and_its_published_size() -> None:
    with torch.device('meta'):
        prn = PoseResidualNetwork(PRNConfig(layers=2))
    assert {key: tuple(value.shape) for key, value in prn.state_dict().items()} == {
        'encode.weight': (1024, 34272),
        'encode.bias': (1024,),
        'hidden.0.weight': (1024, 1024),
        'hidden.0.bias': (1024,),
        'decode.weight': (34272, 1024),
        'decode.bias': (34272,),
    }


def test_dropout_only_in_training() -> None:
    prn, candidates = network(dataclasses.replace(SMALL, dropout=0.5)), some_candidates()
    assert torch.equal(prn.candidate_logits(candidates), prn.candidate_logits(candidates))
    prn.train()
    assert not torch.equal(prn.candidate_logits(candidates), prn.candidate_logits(candidates))
