"""``mpn ablate``: what each way of giving joints to people is worth."""

from __future__ import annotations

import argparse

from mpn_ros.commands import ablate_grouping


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One subcommand for each question."""
    studies = parser.add_subparsers(dest='study', required=True, metavar='STUDY')
    ablate_grouping.add_arguments(studies.add_parser('grouping', help='PRN, UCR and Max on true and found peaks and '
                                                     'boxes (Tables 3 and 4)'))


def run(args: argparse.Namespace) -> None:
    """Runs the chosen study."""
    ablate_grouping.run(args)
