"""The rows of a benchmark, as JSON, as a table, and as the paper's Fig. 8."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mpn_ros.benchmark.stages import STAGES, Case

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAPER = 35.0, 2.0
"""Milliseconds of the paper's network, and of its PRN for each person: ResNet-50 at 384x576 on a GTX 1080 Ti (section
4.5, Fig. 8)."""


def rows(case: Case, facts: dict[str, Any]) -> list[dict[str, Any]]:
    """A row for each stage: ``facts``, and times in milliseconds for the whole batch; ``fps`` are images a second."""
    height, width = case.input_shape
    common = facts | {
        'backend': case.name,
        'preset': case.pipeline.weights.preset.name,
        'shape': f'{height}x{width}',
        'batch': case.cameras,
        'people': case.people,
        'people_found': round(case.found, 2),
        'cameras': case.cameras,
    }
    found = []
    for stage in (stage for stage in STAGES if stage in case.seconds):
        p50, p99 = np.percentile(1e3 * np.array(case.seconds[stage]), [50, 99]).round(3).tolist()
        found.append(
            common
            | {'stage': stage, 'p50_ms': p50, 'p99_ms': p99, 'fps': round(1e3 * case.cameras / p50, 1) if p50 else None}
        )
    return found


def table(rows: Sequence[dict[str, Any]]) -> str:
    """A line of Markdown for each case: p50 of each stage, of the total also p99, images a second, and how many times
    the first case's total it takes for an image."""
    stages = [stage for stage in STAGES if any(row['stage'] == stage for row in rows)]
    names = [f'{stage} (p99)' if stage == 'total' else stage for stage in stages]
    lines = [
        'Milliseconds for a batch, p50.',
        '',
        '| ' + ' | '.join(['backend', 'dtype', 'cameras', 'people', *names, 'images/s', 'ratio']) + ' |',
        '|' + ' --- |' * (6 + len(stages)),
    ]
    cases: dict[tuple[Any, ...], dict[str, dict[str, Any]]] = {}
    for row in rows:
        cases.setdefault((row['backend'], row['dtype'], row['cameras'], row['people']), {})[row['stage']] = row
    first = next(iter(cases.values()))['total']['fps']
    for key, of in cases.items():
        cells = [_cell(of.get(stage)) for stage in stages]
        fps = of['total']['fps']
        lines.append('| ' + ' | '.join([*map(str, key), *cells, f'{fps:.1f}', f'{first / fps:.2f}']) + ' |')
    return '\n'.join(lines)


def _cell(row: dict[str, Any] | None) -> str:
    if row is None:
        return '-'
    return f'{row["p50_ms"]:.2f}' + (f' ({row["p99_ms"]:.2f})' if row['stage'] == 'total' else '')


def draw(rows: Sequence[dict[str, Any]]) -> Figure:
    """Time against people (Fig. 8): each backend's with all people in one call of the PRN and with one call each, and
    the paper's line."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout='constrained')
    axes = figure.subplots()
    single = [row for row in rows if row['cameras'] == 1 and row['people']]  # the floor has no people
    for backend in dict.fromkeys(row['backend'] for row in single):
        for stage, style in (('total', 'o-'), ('total one by one', 'x--')):
            points = sorted(
                (row['people'], row['p50_ms']) for row in single if (row['backend'], row['stage']) == (backend, stage)
            )
            axes.plot(*zip(*points), style, label=f'{single[0]["preset"]}, {backend}: {stage}')
    people = np.array(sorted({row['people'] for row in single}))
    axes.plot(people, PAPER[0] + PAPER[1] * people, ':', color='grey', label='paper: ResNet-50, GTX 1080 Ti')
    axes.set(xlabel='people', ylabel='ms an image, p50', ylim=(0, None), title=single[0]['device'])
    axes.legend(fontsize='small')
    return figure
