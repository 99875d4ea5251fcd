"""What turns the pages of this repository into a site: a hook of MkDocs, see mkdocs.yml.

Pages link to each other as files of the repository, so that they work where the repository is shown. Here those links
become the site's; pages outside docs/ and a reference made from the docstrings are added.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
PAGES = {
    'README.md': 'index.md',
    'CONTRIBUTING.md': 'contributing.md',
    'CHANGELOG.md': 'changelog.md',
    'SECURITY.md': 'security.md',
    'models/README.md': 'lite.md',
}
"""Pages outside docs/, and what they are called on the site."""
REFERENCE = {
    'library': (
        'Library',
        [
            'pipeline.pipeline.PosePipeline',
            'pipeline.pipeline.Thresholds',
            'result.PoseResult',
            'result.Person',
            'tracking.tracker.Tracker',
            'pipeline.draw.draw',
            'pipeline.record.JsonWriter',
        ],
    ),
    'parts': (
        'Groupers, skeletons, messages',
        ['pipeline.grouping', 'skeleton', 'pipeline.nms', 'messages', 'media', 'depth.back_projection', 'parameters'],
    ),
    'weights': ('Weights and presets', ['weights', 'presets', 'pipeline.pipeline.open_weights', 'families.base']),
    'backends': (
        'Backends',
        ['backends.make_backend', 'backends.base', 'raw_detections.RawDetections', 'conventions'],
    ),
    'errors': ('Errors', ['errors']),
}
"""Pages of the reference: title, and what of ``mpn_ros`` is on it."""
_LINK = re.compile(r'(\]\()([^)\s#]*)(#[^)\s]*)?(\))')
_PICTURE = re.compile(r'(<(?:img|source)\b[^>]*\bsrc(?:set)?=")([^"#]*)()(")')
_FENCE = re.compile(r'(^ *```.*?^ *```)', re.DOTALL | re.MULTILINE)


def on_files(files: Files, config: Any) -> Files:
    """Adds the pages from outside docs/, what they and others link to, and the reference."""
    for source, name in PAGES.items():
        files.append(File.generated(config, name, content=(ROOT / source).read_text()))
    for name, (title, members) in REFERENCE.items():
        text = f'# {title}\n\n' + '\n\n'.join(f'::: mpn_ros.{member}' for member in members) + '\n'
        files.append(File.generated(config, f'reference/{name}.md', content=text))
    sources = {path.relative_to(ROOT).as_posix() for path in (ROOT / 'docs').rglob('*.md')} | set(PAGES)
    for source in sorted(sources):
        for match in [*_LINK.finditer((ROOT / source).read_text()), *_PICTURE.finditer((ROOT / source).read_text())]:
            path = _repository_path(source, match[2])
            if path and site_path(path).startswith('files/') and files.get_file_from_path(site_path(path)) is None:
                files.append(File.generated(config, site_path(path), abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """The page with the site's links; code stays as it is."""
    name = page.file.src_uri
    source = next((source for source, site in PAGES.items() if site == name), f'docs/{name}')

    def moved(match: re.Match[str]) -> str:
        path = _repository_path(source, match[2])
        if path is None:
            return match[0]
        target = posixpath.relpath(site_path(path), posixpath.dirname(name) or '.')
        return f'{match[1]}{target}{match[3] or ""}{match[4]}'

    parts = _FENCE.split(markdown)
    parts[::2] = [_PICTURE.sub(moved, _LINK.sub(moved, part)) for part in parts[::2]]
    return ''.join(parts)


def site_path(path: str) -> str:
    """Where the site has a file of the repository."""
    return PAGES.get(path) or (path.removeprefix('docs/') if path.startswith('docs/') else f'files/{path}')


def _repository_path(source: str, link: str) -> str | None:
    """The file of the repository that a link on the page ``source`` leads to; None for what is elsewhere or is none."""
    if not link or ':' in link or link.startswith('/'):
        return None
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), link))
    return path if (ROOT / path).is_file() else None
