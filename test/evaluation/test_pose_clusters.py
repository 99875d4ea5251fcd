"""k-means by OKS: it finds poses that differ, and reads a node's pose where the node raises the keypoints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip('matplotlib', reason='matplotlib is in the extra `train` and is not installed')

from mpn_ros.cli import main
from mpn_ros.evaluation.pose_clusters import cluster, node_poses
from mpn_ros.network.prn import PoseResidualNetwork
from mpn_ros.presets import PRNConfig


def three_kinds() -> tuple[np.ndarray, np.ndarray]:
    """Sixty noisy poses in a box of 20 x 40, and which of three kinds each is: 30, 20 and 10 of them."""
    random = np.random.default_rng(0)
    kinds = random.uniform(0, 1, (3, 17, 2)) * (20, 40)
    which = random.permutation(np.repeat([0, 1, 2], [30, 20, 10]))
    return kinds[which] + random.normal(0, 0.3, (60, 17, 2)), which


def test_kinds_are_told_apart_and_the_largest_is_first() -> None:
    poses, which = three_kinds()
    found = cluster(poses, 3, 400.0)
    np.testing.assert_array_equal(found.members, which)
    for index, centre in enumerate(found.centres):
        np.testing.assert_allclose(centre, poses[which == index].mean(0))
    assert found.oks > 0.8


def test_as_many_clusters_as_poses_leave_nothing_unlike() -> None:
    poses, _ = three_kinds()
    assert cluster(poses[:5], 5, 400.0).oks == pytest.approx(1)


def test_a_nodes_pose_is_where_it_raises_the_keypoints() -> None:
    prn = PoseResidualNetwork(PRNConfig(height=6, width=4, nodes=2), keypoints=3)
    places = np.array([[[0, 0], [3, 5], [1, 2]], [[2, 4], [0, 5], [3, 0]]])
    raised = prn.decode.weight.data.view(6, 4, 3, 2)
    for node, keypoint in np.ndindex(2, 3):
        x, y = places[node, keypoint]
        raised[y, x, keypoint, node] = 1 + raised.abs().max()
    with torch.no_grad():
        np.testing.assert_array_equal(node_poses(prn), places + 0.5)


def test_the_command_writes_a_picture_or_says_why_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['ablate', 'poses', str(tmp_path / 'poses.png'), '--clusters', '2']) == 0
    assert (tmp_path / 'poses.png').stat().st_size > 1000
    assert '2 poses of' in capsys.readouterr().out
    assert main(['ablate', 'poses', str(tmp_path / 'poses.png'), '--clusters', '0']) == 2
    assert '--clusters must be 1 to' in capsys.readouterr().err
    assert main(['ablate', 'poses', str(tmp_path / 'nowhere' / 'poses.png')]) == 2
    assert 'poses.png cannot be written' in capsys.readouterr().err
