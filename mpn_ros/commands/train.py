"""``mpn train``: the stages of the network on images, and the PRN on labels."""

from __future__ import annotations

import argparse

from mpn_ros.commands import train_network

STAGES = {'keypoints': 'backbone and keypoint subnet', 'detector': 'person detector on the frozen backbone',
          'joint': 'both at once'}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One subcommand for each stage."""
    stages = parser.add_subparsers(dest='stage', required=True, metavar='STAGE')
    for stage, line in STAGES.items():
        train_network.add_arguments(stages.add_parser(stage, help=line))


def run(args: argparse.Namespace) -> int:
    """Trains the chosen stage."""
    return train_network.run(args)
