"""What ``make`` installs is what ``requirements/`` names, in these versions and from these files alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REQUIREMENTS = Path(__file__).parents[2] / 'requirements'
LOCK = (REQUIREMENTS / 'lock.txt').read_text()
PINNED = re.findall(r'^(\S+)==([^\s;]+)', LOCK, re.MULTILINE)
APART = {'lock.txt', 'torch.txt', 'pip.txt', 'docs.txt', 'dist.txt'}  # the last two have environments of their own
NAMED = sorted({path.name for path in REQUIREMENTS.iterdir()} - APART)


def _hashed(text: str) -> bool:
    """Whether each requirement in it is followed by hashes."""
    requirements = re.split(r'^(?=\w)', re.sub(r'^#.*\n', '', text, flags=re.MULTILINE), flags=re.MULTILINE)[1:]
    return bool(requirements) and all(
        re.fullmatch(r'\S+==[^\\]+\\\n( +--hash=sha256:[0-9a-f]{64}( \\)?\n)+', text) for text in requirements
    )


@pytest.mark.parametrize('name', ['lock.txt', 'pip.txt'])
def test_every_file_that_is_installed_has_a_hash(name: str) -> None:
    assert _hashed((REQUIREMENTS / name).read_text())
    assert not _hashed('tqdm==4.70.1\n') and not _hashed('tqdm==4.70.1 \\\n    --hash=md5:0\n')


@pytest.mark.parametrize('name', NAMED)
def test_the_lock_holds_what_is_named(name: str) -> None:
    text = (REQUIREMENTS / name).read_text()
    for requirement, version in re.findall(r'^([\w-]+)(?:==([\w.]+))?', text, re.MULTILINE):
        found = {pinned for locked, pinned in PINNED if locked == requirement}
        assert found and (not version or version in found), f'{requirement} of {name} is not so in lock.txt'


@pytest.mark.parametrize('path', sorted(REQUIREMENTS.iterdir()), ids=lambda path: path.name)
def test_where_files_come_from_is_left_to_pip(path: Path) -> None:
    assert '://' not in path.read_text()


def test_torch_alone_has_no_hash() -> None:
    """Its builds for CPU and for CUDA differ, and the index decides which is taken."""
    assert re.findall(r'^[\w-]+', (REQUIREMENTS / 'torch.txt').read_text(), re.MULTILINE) == ['torch']
    assert 'torch' not in dict(PINNED)
