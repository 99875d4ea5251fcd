"""The poses that the Pose Residual Network has learnt (Fig. 2, right): what its hidden nodes stand for, clustered with
OKS as the measure of likeness (section 3.4)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from mpn_ros.evaluation.skeleton_plots import frame, plot_skeleton
from mpn_ros.network.prn import PoseResidualNetwork
from mpn_ros.skeleton import COCO, SkeletonLayout, oks
from mpn_ros.training.prn_noise import AREA_OF_BOX


class Clusters(NamedTuple):
    """``centres`` ``(C, K, 2)``, largest cluster first; ``members`` ``(P,)`` the cluster of each pose; ``oks``, the
    mean likeness of the poses and their centres, 0..1."""

    centres: np.ndarray
    members: np.ndarray
    oks: float


def node_poses(prn: PoseResidualNetwork) -> np.ndarray:
    """``(nodes, K, 2)``: for each node of the last hidden layer the cell, x and y of its middle, where it raises each
    keypoint most."""
    config = prn.config
    raised = prn.decode.weight.detach().view(config.height * config.width, prn.keypoints, -1)
    cell = raised.argmax(0).t().cpu().numpy()
    return np.stack([cell % config.width, cell // config.width], -1) + 0.5


def likeness(poses: np.ndarray, centres: np.ndarray, area: float, layout: SkeletonLayout = COCO) -> np.ndarray:
    """OKS ``(P, C)`` of poses ``(P, K, 2)`` with centres ``(C, K, 2)``; ``area`` of a person in square units."""
    return oks(poses[:, None], centres, np.ones(len(layout), bool), area, layout)


def cluster(
    poses: np.ndarray, count: int, area: float, layout: SkeletonLayout = COCO, seed: int = 0, rounds: int = 100
) -> Clusters:
    """k-means with 1 - OKS as its distance: poses ``(P, K, 2)`` in ``count`` clusters, started as k-means++ does.
    ``area`` is that of a person in square units, ``rounds`` the most steps."""
    random = np.random.default_rng(seed)
    centres = poses[random.integers(len(poses), size=1)].astype(float)
    while len(centres) < count:
        far = 1 - likeness(poses, centres, area, layout).max(1) + 1e-9
        centres = np.concatenate([centres, poses[random.choice(len(poses), size=1, p=far / far.sum())]])
    members = np.full(len(poses), -1)
    for _ in range(rounds):
        nearest = likeness(poses, centres, area, layout).argmax(1)
        if (nearest == members).all():
            break
        members = nearest
        centres = np.stack(
            [
                poses[members == index].mean(0) if (members == index).any() else centre
                for index, centre in enumerate(centres)
            ]
        )
    order = np.argsort(-np.bincount(members, minlength=count), kind='stable')
    place = np.argsort(order)
    return Clusters(centres[order], place[members], float(likeness(poses, centres, area, layout).max(1).mean()))


def learnt_poses(prn: PoseResidualNetwork, count: int, layout: SkeletonLayout = COCO) -> Clusters:
    """The ``count`` clusters of ``node_poses``, in cells of the crop."""
    return cluster(node_poses(prn), count, AREA_OF_BOX * prn.config.height * prn.config.width, layout)


def draw_clusters(clusters: Clusters, height: int, width: int, layout: SkeletonLayout = COCO) -> Figure:
    """A panel of ``height`` x ``width`` cells for each cluster's centre, with the number of its poses."""
    figure = Figure(figsize=(1.5 * len(clusters.centres), 2.8), layout='constrained')
    panels = figure.subplots(1, len(clusters.centres), squeeze=False)[0]
    sizes = np.bincount(clusters.members, minlength=len(clusters.centres))
    for panel, pose, size in zip(panels, clusters.centres, sizes):
        plot_skeleton(panel, pose, layout)
        frame(panel, 0, 0, width, height, f'{size} nodes')
    return figure
