"""The arguments that say how a dataset is read."""

from __future__ import annotations

import argparse

EXIF_CHOICES = 'stored', 'upright'
EXIF_HELP = (
    'how labels mean images with an EXIF orientation where the size in the labels fits both: '
    'as they are stored, or turned as they are shown'
)
EXIF_DEFAULT = 'stored, with a warning'


def add_exif_argument(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """Declares ``--exif``."""
    parser.add_argument('--exif', choices=EXIF_CHOICES, help=f'{EXIF_HELP} (default: {EXIF_DEFAULT})')


def is_upright(args: argparse.Namespace) -> bool | None:
    """``upright`` of ``read_dataset``."""
    return None if args.exif is None else args.exif == 'upright'
