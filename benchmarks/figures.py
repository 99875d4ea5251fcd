"""The figures of the weights that ship, and the tables that show them: ``python -m benchmarks.figures --help``.

Every figure comes from one JSON in ``benchmarks/lite``, made by the commands in ``COMMANDS``. The tables of pages
are written from these files, so that no page can disagree with another.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mpn_ros.commands.output import percent, write_json
from mpn_ros.files import replace_between

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / 'benchmarks' / 'lite'
PEERS = ROOT / 'benchmarks' / '2026-11-30' / 'peers.json'
_DATA = '--images', 'IMAGES', '--annotations', 'LABELS'


def _eval(*options: str) -> tuple[str, ...]:
    return 'mpn_ros.cli', 'eval', *_DATA, *options


COMMANDS: dict[str, tuple[str, ...]] = {
    'eval_384': _eval('--refine', '0'),
    'eval_512': _eval('--refine', '0', '--input-size', '512'),
    'eval_384_refine_4': _eval('--refine', '4'),
    'eval_512_refine_4': _eval('--refine', '4', '--input-size', '512'),
    'eval_384_refine_20': _eval('--refine', '20'),
    'movenet_384': _eval('--weights', 'MOVENET', '--precision', 'fp32', '--refine', '0', '--input-size', '384'),
    'movenet_512': _eval('--weights', 'MOVENET', '--precision', 'fp32', '--refine', '0', '--input-size', '512'),
    'grouping': ('mpn_ros.cli', 'ablate', 'grouping', *_DATA, '--movenet', 'MOVENET'),
    'second_look': ('benchmarks.second_look', *_DATA, '--refine', '2', '4', '20'),
    'weights': (
        'benchmarks.weights',
        *_DATA,
        '--weights',
        'BEFORE',
        'lite',
        'MOVENET',
        '--input-sizes',
        '384',
        '--refine',
        '0',
        '20',
    ),
}
"""By the JSON that each makes: a module and its arguments; words in capitals are files that the command line gives."""


def run(files: dict[str, str], names: list[str]) -> None:
    """Runs the commands of these JSONs, in turn."""
    FOLDER.mkdir(exist_ok=True)
    for name in names:
        arguments = [files.get(word, word) for word in COMMANDS[name]]
        if missing := [word for word in arguments if word.isupper() and word.isalpha()]:
            print(f'{name} is left out: --{missing[0].lower()} is not given')
            continue
        print(name, flush=True)
        path = FOLDER / f'{name}.json'
        subprocess.run([sys.executable, '-m', *arguments, '--json', str(path)], check=True, cwd=ROOT)
        write_json(path, _without_paths(json.loads(path.read_text())))


def _without_paths(value: Any) -> Any:
    """The same with each file named without its folder: where they lay says nothing to anybody else."""
    if isinstance(value, dict):
        return {_without_paths(key): _without_paths(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_paths(inner) for inner in value]
    return Path(value).name if isinstance(value, str) and value.startswith('/') else value


def load(name: str) -> Any:
    """The JSON of that name."""
    return json.loads((FOLDER / f'{name}.json').read_text())


def markdown(head: list[str], rows: list[list[str]]) -> str:
    """A table."""
    lines = [head, ['---'] * len(head), *rows]
    return '\n' + '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines) + '\n'


def accuracy() -> str:
    """README: what finds how much, and how fast."""
    peers = json.loads(PEERS.read_text())['networks']
    rows = []
    for label, name, peer in (
        ('mpn_ros `lite`, one look', 'eval_{}', 'lite'),
        ('mpn_ros `lite`, with the second look', 'eval_{}_refine_4', None),
        ('MoveNet MultiPose', 'movenet_{}', 'movenet-multipose'),
    ):
        for size in (384, 512):
            found = load(name.format(size))
            poses, mask = found['keypoints'], found['mask_iou']
            milliseconds = f'{peers[f"{peer}@{size}"]["p50_ms"]:.1f}' if peer else 'by the number of windows'
            cells = [percent(value) for value in (poses['AP'], poses['AP50'], found['bbox']['AP50'])]
            rows.append([label, str(size), *cells, percent(mask) if mask is not None else 'no mask', milliseconds])
    return markdown(['system', 'input', 'keypoint AP', 'AP50', 'box AP50', 'mask IoU', 'ms an image'], rows)


def card() -> str:
    """The model card: all measures."""
    sizes = {
        '384': load('eval_384'),
        '384, second look': load('eval_384_refine_4'),
        '512': load('eval_512'),
        '512, second look': load('eval_512_refine_4'),
    }
    measures: dict[str, Callable[[dict[str, Any]], list[float | None]]] = {
        'keypoint AP, AP50, AP75': lambda found: [found['keypoints'][name] for name in ('AP', 'AP50', 'AP75')],
        'keypoint AP of medium, large people': lambda found: [found['keypoints'][name] for name in ('AP_M', 'AP_L')],
        'keypoint AR': lambda found: [found['keypoints']['AR']],
        'person box AP, AP50': lambda found: [found['bbox'][name] for name in ('AP', 'AP50')],
        'person mask IoU, all pixels': lambda found: [found['mask_iou']],
    }
    rows = [[name, *(', '.join(map(percent, of(found))) for found in sizes.values())] for name, of in measures.items()]
    return markdown(['measure, in percent', *sizes], rows)


def table_1() -> str:
    """One network at one scale."""
    rows = []
    for what, options, paper, name in (
        ('one network, one scale (Table 2, val2017)', '--refine 0', 'R50 62.3, R101 63.9', 'eval_384'),
        ('one scale, second look', '--refine 20', '-', 'eval_384_refine_20'),
    ):
        found = load(name)
        figures = found['keypoints']['AP'], found['bbox']['AP50'], found['mask_iou']
        rows.append([what, f'`{options}`', paper, ', '.join(map(percent, figures))])
    command = 'command, after `mpn eval --images IMAGES --annotations LABELS --json OUT`'
    return markdown(['what', command, 'paper: keypoint AP', 'here: keypoint AP, box AP50, mask IoU'], rows)


PAPER_3 = {
    ('true peaks, true boxes', 'PRN'): '89.4',
    ('true peaks, our boxes', 'PRN'): '75.3',
    ('our peaks, true boxes', 'PRN'): '65.1',
    ('our peaks, our boxes', 'PRN'): '64.3',
    ('our peaks, our boxes', 'UCR'): '49.7',
    ('our peaks, our boxes', 'Max'): '45.3',
}
"""The right half of Table 3: what was given, and what grouped it."""


def _grouping(of_movenet: bool) -> list[dict[str, Any]]:
    return [row for row in load('grouping')['rows'] if ('MoveNet' in row['given']) == of_movenet]


def table_3() -> str:
    """The groupers on true and found peaks and boxes."""
    rows = [
        [
            row['given'],
            row['grouper'],
            PAPER_3.get((row['given'], row['grouper']), '-'),
            *(percent(part['AP']) for part in row['figures'].values()),
        ]
        for row in _grouping(False)
    ]
    return markdown(['given', 'grouper', 'paper', 'AP', 'overlap > 0.3', 'overlap > 0.5'], rows)


def table_4() -> str:
    """The PRN on the keypoints of another network."""
    rows = []
    for row in _grouping(True):
        everybody, *overlapping = row['figures'].values()
        figures = [everybody[name] for name in ('AP', 'AP50', 'AP75')] + [part['AP'] for part in overlapping]
        rows.append([row['given'], row['grouper'], *map(percent, figures)])
    return markdown(['given', 'grouper', 'AP', 'AP50', 'AP75', 'overlap > 0.3', 'overlap > 0.5'], rows)


def table_5() -> str:
    """Person boxes and masks."""
    rows = [
        ['paper, R101', '52.5', '81.5', '55.3', '35.2', '59', '71', ''],
        ['paper, R50', '51.3', '81.4', '53.6', '34.9', '58', '68.1', ''],
        ['paper, backbone not stated, PASCAL VOC 2012', *[''] * 6, '87.8'],
    ]
    for size in (384, 512):
        found = load(f'eval_{size}')
        boxes = [percent(found['bbox'][name]) for name in ('AP', 'AP50', 'AP75', 'AP_S', 'AP_M', 'AP_L')]
        rows.append([f'`lite` at {size}', *boxes, percent(found['mask_iou'])])
    return markdown(['', 'AP', 'AP50', 'AP75', 'AP small', 'AP medium', 'AP large', 'mask IoU'], rows)


def gained(row: dict[str, Any], name: str) -> str:
    """A figure of ``benchmarks.second_look``, and what windows add to it."""
    gain, low, high = (100 * value for value in row['gains'][name])
    return f'{percent(row[name])} ({gain:+.1f}, {low:+.1f} to {high:+.1f})'


def second_look(size: int) -> str:
    """What windows add to the first look."""
    rows = []
    for row in load('second_look')['rows']:
        if row['input_size'] != size:
            continue
        ap, medium, large = (
            gained(row, name) if row['refine'] else percent(row[name]) for name in ('AP', 'AP_M', 'AP_L')
        )
        cells = [ap, percent(row['AP75']), medium, large, percent(row['box_AP50']), percent(row['mask_iou'])]
        rows.append([str(row['refine']), *cells, f'{row["windows"]:.2f}'])
    head = 'refine', 'keypoint AP', 'AP75', 'medium people', 'large people', 'box AP50', 'mask IoU', 'windows an image'
    return markdown(list(head), rows)


def instance_mask() -> str:
    """The AP of each person's own pixels."""
    rows = []
    for refine, name in ((4, 'eval_384_refine_4'), (0, 'eval_384')):
        segm = load(name)['segm']
        for people, key in (('all', 'all'), ('overlapping another (IoU of boxes above 0.1)', 'overlapping')):
            own, cut = segm['instance_mask'][key], segm['mask_in_boxes'][key]
            figures = own['AP'], own['AP50'], cut['AP'], cut['AP50']
            rows.append([str(refine), people, *map(percent, figures)])
    return markdown(['refine', 'people', 'AP of `instance_mask`', 'AP50', 'AP of `mask` in boxes', 'AP50'], rows)


TABLES: dict[tuple[str, str], Callable[[], str]] = {
    ('README.md', 'accuracy'): accuracy,
    ('models/README.md', 'card'): card,
    ('docs/reproduction.md', 'table 1'): table_1,
    ('docs/reproduction.md', 'table 3'): table_3,
    ('docs/reproduction.md', 'table 4'): table_4,
    ('docs/reproduction.md', 'table 5'): table_5,
    ('docs/second_look.md', '384'): lambda: second_look(384),
    ('docs/second_look.md', '512'): lambda: second_look(512),
    ('docs/interface.md', 'instance mask'): instance_mask,
}
"""By the page and the name between its markers."""


def markers(name: str) -> tuple[str, str]:
    """What a page has before and after a table."""
    return f'<!-- figures of {name}: begin -->\n', f'\n<!-- figures of {name}: end -->'


def fill() -> None:
    """Writes all tables into their pages."""
    for (page, name), table in TABLES.items():
        replace_between(ROOT / page, *markers(name), table())


def main() -> None:
    """Runs what is asked for, and fills the pages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for word in ('images', 'labels', 'movenet', 'before'):
        parser.add_argument(f'--{word}', type=Path)
    parser.add_argument('--run', nargs='*', choices=COMMANDS, metavar='NAME', help='these figures; without names, all')
    args = parser.parse_args()
    files = {
        word.upper(): str(path.resolve())
        for word in ('images', 'labels', 'movenet', 'before')
        if (path := getattr(args, word)) is not None
    }
    if args.run is not None:
        run(files, args.run or list(COMMANDS))
    if missing := [name for name in COMMANDS if not (FOLDER / f'{name}.json').is_file()]:
        print(f'the pages are filled once there are figures of {", ".join(missing)}')
    else:
        fill()


if __name__ == '__main__':
    main()
