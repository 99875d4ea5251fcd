"""The decoders against everything: a fixed part of the campaign of `make fuzz`, and what it costs to be lied to."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytest.importorskip('hypothesis', reason='hypothesis is not installed here: pip install -r requirements/test.txt')

from benchmarks.fuzz.campaign import PROPERTIES, campaign  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
CASES = {'raw': 6000, 'png': 4000, 'jpeg': 4000, 'hostile png': 2000}

# A child with no more address space than it has already taken, and some; what it prints is how it was refused or shown.
CHILD = """
import resource, sys
from array import array
from types import SimpleNamespace
import cv2, numpy as np
cv2.setNumThreads(1)
from benchmarks.fuzz.files import chunk, png
from mpn_ros.errors import ImageError
from mpn_ros.decoding.compressed import decode_compressed

def attempt(data):
    pages = int(open('/proc/self/statm').read().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + ({limit} << 20), resource.RLIM_INFINITY))
    try:
        print(decode_compressed(SimpleNamespace(format='', data=array('B', data))).array.shape)
    except ImageError as error:
        print('refused:', error)
    except (MemoryError, cv2.error) as error:
        print('too much:', error)
"""


@pytest.mark.parametrize('name', PROPERTIES)
def test_decoders_show_what_is_right_and_refuse_what_is_not(name):
    assert campaign(name, CASES[name]) >= CASES[name]


def decode_in_a_child(limit: int, source: str) -> str:
    """What becomes of a file that ``source`` gives to ``attempt``, with ``limit`` MiB of memory to be had."""
    done = subprocess.run(
        [sys.executable, '-c', CHILD.format(limit=limit) + textwrap.dedent(source)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


LIES = {
    'a png of 100 bytes that claims 60000x60000': """
        header = chunk(b'IHDR', (60000).to_bytes(4, 'big') * 2 + bytes([8, 2, 0, 0, 0]))
        attempt(b'\\x89PNG\\r\\n\\x1a\\n' + header + chunk(b'IDAT', bytes(9)) + chunk(b'IEND', b''))""",
    'a png of 16 bits and alpha that claims 8192x8192': """
        header = chunk(b'IHDR', (8192).to_bytes(4, 'big') * 2 + bytes([16, 6, 0, 0, 0]))
        attempt(b'\\x89PNG\\r\\n\\x1a\\n' + header + chunk(b'IDAT', bytes(9)) + chunk(b'IEND', b''))""",
    'a png with a chunk of 3 GiB that is not there': """
        data = bytearray(png(np.zeros((8, 8, 3), np.uint8), 'rgb'))
        data[33:37] = b'\\xc0\\0\\0\\0'
        attempt(data)""",
    'a jpeg that claims 65500x65500': """
        data = bytearray(cv2.imencode('.jpg', np.zeros((8, 8, 3), np.uint8))[1].tobytes())
        at = data.index(b'\\xff\\xc0')
        data[at + 5:at + 9] = b'\\xff\\xdc' * 2
        attempt(data)""",
}


@pytest.mark.parametrize('source', LIES.values(), ids=LIES)
def test_a_lie_about_the_size_costs_no_memory(source):
    assert decode_in_a_child(8, source).startswith('refused: ')


def test_the_largest_picture_takes_less_than_a_gigabyte():
    """At the bound of 2 ** 26 pixels: progressive, so that all coefficients are kept."""
    shown = decode_in_a_child(
        1000,
        """
        attempt(cv2.imencode('.jpg', np.zeros((8192, 8192, 3), np.uint8), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1])""",
    )
    assert shown == '(8192, 8192, 3)'
