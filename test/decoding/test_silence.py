"""The decoders' own lines are kept back; those of others are not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mpn_ros.decoding.silence import decoders_silenced

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ('line', 'passes'),
    [
        (b'libpng error: bad\n', False),
        (b'Premature end of JPEG file\n', False),
        (b'Corrupt JPEG data: 3 extraneous bytes before marker 0xd9\n', False),
        (b'[ WARN:0@0.1] global loadsave.cpp:268\n', False),
        (b'[ERROR:0@0.060] global loadsave.cpp\n', False),
        (b'[WARN] [1700000000.1] [pose]: malformed\n', True),
        (b'[ERROR] [1700000000.1] [pose]: lost\n', True),
        (b'somebody else\n', True),
    ],
)
def test_lines_of_decoders_are_told_from_others(capfd, line, passes):
    with decoders_silenced():
        os.write(2, line)
        os.write(2, b'after it\n')
    assert capfd.readouterr().err.encode() == (line if passes else b'') + b'after it\n'


def test_of_files_all_is_dropped_and_afterwards_nothing(capfd):
    with decoders_silenced():
        with decoders_silenced(of_files=True):
            os.write(2, b'More samples per pixel than can be decoded\n')
        os.write(2, b'while another decodes\n')
    os.write(2, b'heard\n')
    assert capfd.readouterr().err == 'heard\n'
    with decoders_silenced():
        os.write(2, b'of another thread\n')
    assert capfd.readouterr().err == 'of another thread\n'


def test_without_stderr_there_is_nothing_to_silence():
    """As a daemon is started."""
    code = (
        'import os\nos.close(2)\nfrom mpn_ros.decoding.silence import decoders_silenced\n'
        'with decoders_silenced():\n    print("done")'
    )
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == 'done\n'
