"""``mpn ablate poses``: a picture of the poses that a PRN has learnt (Fig. 2, right)."""

from __future__ import annotations

import argparse
from pathlib import Path

from mpn_ros.commands.output import save_picture
from mpn_ros.errors import ParameterError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument('picture', type=Path, metavar='OUT', help='the picture to write, as poses.png')
    parser.add_argument('--weights', default='lite', metavar='NAME|FILE', help='whose PRN (default: %(default)s)')
    parser.add_argument('--clusters', type=int, default=6, metavar='N', help='how many poses (default: %(default)s)')


def run(args: argparse.Namespace) -> None:
    """Clusters the poses of the PRN's nodes and draws the clusters' means. Raises MpnError."""
    from mpn_ros.evaluation.pose_clusters import draw_clusters, learnt_poses
    from mpn_ros.weights import load_weights, resolve_weights

    weights = load_weights(resolve_weights(args.weights))
    prn, layout = weights.prn(), weights.preset.layout
    if not 1 <= args.clusters <= prn.config.nodes:
        raise ParameterError(f'--clusters must be 1 to {prn.config.nodes}, the nodes of this PRN, not {args.clusters}')
    clusters = learnt_poses(prn, args.clusters, layout)
    save_picture(args.picture, draw_clusters(clusters, prn.config.height, prn.config.width, layout))
    print(f'{args.picture}: {args.clusters} poses of {prn.config.nodes} nodes, mean OKS {clusters.oks:.2f} within them')
