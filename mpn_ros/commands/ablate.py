"""``mpn ablate``: what each way of giving keypoints to people is worth, and what the PRN has learnt."""

from __future__ import annotations

import argparse

from mpn_ros.commands import ablate_crops, ablate_grouping, ablate_poses

STUDIES = {
    'grouping': (ablate_grouping, 'PRN, UCR and Max on true and found peaks and boxes (Tables 3 and 4)'),
    'crops': (ablate_crops, 'pictures of people who overlap and whose keypoints PRN, UCR and Max tell apart'),
    'poses': (ablate_poses, 'a picture of the poses that the PRN has learnt (Fig. 2)'),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One subcommand for each study."""
    studies = parser.add_subparsers(dest='study', required=True, metavar='STUDY')
    for name, (module, line) in STUDIES.items():
        module.add_arguments(studies.add_parser(name, help=line))


def run(args: argparse.Namespace) -> None:
    """Runs the chosen study."""
    STUDIES[args.study][0].run(args)
