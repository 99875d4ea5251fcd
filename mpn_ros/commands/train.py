"""``mpn train``: the stages of the network on images, and the PRN on labels."""

from __future__ import annotations

import argparse

from mpn_ros.commands import train_network, train_prn
from mpn_ros.commands.train_options import add_training_arguments
from mpn_ros.training.config import Stage

STAGES: dict[Stage, str] = {
    'keypoints': 'backbone and keypoint subnet',
    'detector': 'person detector on the frozen backbone',
    'joint': 'both at once',
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One subcommand for each stage."""
    stages = parser.add_subparsers(dest='stage', required=True, metavar='STAGE')
    for stage, line in STAGES.items():
        add_training_arguments(stages.add_parser(stage, help=line), stage)
    train_prn.add_arguments(stages.add_parser('prn', help='Pose Residual Network, from labels alone'))


def run(args: argparse.Namespace) -> int:
    """Trains the chosen stage."""
    return train_prn.run(args) if args.stage == 'prn' else train_network.run(args)
