"""The long campaign on the decoders of images and the readers of files: `python -m benchmarks.fuzz --cases 1000000
--files 10000 --json FILE`. A decoder that is wrong ends it with the input in words; one that crashes ends it with the
number to try again."""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import sys
import time
from datetime import date
from pathlib import Path

import cv2
import hypothesis
import numpy as np
from tqdm import tqdm

from benchmarks.fuzz import containers
from benchmarks.fuzz.campaign import PROPERTIES, campaign
from mpn_ros import __version__

PORTION = 20_000
"""Cases of one run of hypothesis, which remembers what it has tried."""


def _damaged_files(name: str, count: int) -> dict[str, float]:
    """How many damaged files of a kind were read and refused, and the most processor seconds that one took."""
    total = {'read': 0.0, 'refused': 0.0, 'seconds': 0.0}
    for first in tqdm(range(0, count, containers.PORTION), name, unit=f'{containers.PORTION} files'):
        tally = containers.campaign(name, first, min(containers.PORTION, count - first))
        total = {
            'read': total['read'] + tally['read'],
            'refused': total['refused'] + tally['refused'],
            'seconds': max(total['seconds'], tally['seconds']),
        }
    return total


def main() -> None:
    """Runs the campaign and writes what was tried, with versions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--cases', type=int, default=1_000_000, help='inputs in all (default: a million)')
    parser.add_argument('--files', type=int, default=10_000, help='files of each kind (default: %(default)s)')
    parser.add_argument('--json', type=Path, help='where the result is written')
    arguments = parser.parse_args()
    # libpng and libjpeg write a line for each file that they refuse.
    sys.stderr = os.fdopen(os.dup(2), 'w')
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    started = time.monotonic()
    files = {name: _damaged_files(name, arguments.files) for name in containers.KINDS}
    tried, number = dict.fromkeys(PROPERTIES, 0), 0
    with tqdm(total=arguments.cases, unit='case') as progress:
        while sum(tried.values()) < arguments.cases:
            for name in PROPERTIES:
                progress.set_postfix_str(f'{name}, number {number}')
                count = campaign(name, PORTION, number)
                tried[name] += count
                progress.update(count)
            number += 1
    result = {
        'date': date.today().isoformat(),
        'cases': tried,
        'total': sum(tried.values()),
        'files': files,
        'failures': 0,
        'minutes': round((time.monotonic() - started) / 60, 1),
        'peak memory (MiB)': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        'versions': {
            'mpn_ros': __version__,
            'python': platform.python_version(),
            'opencv': cv2.__version__,
            'numpy': np.__version__,
            'hypothesis': hypothesis.__version__,
        },
    }
    text = json.dumps(result, indent=2) + '\n'
    print(text)
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(text)


if __name__ == '__main__':
    main()
