"""The pictures of ``mpn eval --plots``, drawn by matplotlib from pycocotools' arrays."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from pycocotools.cocoeval import COCOeval

from mpn_ros.errors import ParameterError
from mpn_ros.evaluation.average_precision import Kind
from mpn_ros.evaluation.coco_eval import Answers
from mpn_ros.evaluation.precision_recall import NEAR, Curves, Losses, losses, precision_recall
from mpn_ros.files import write_whole

TITLES = {'keypoints': 'keypoints', 'bbox': 'person boxes'}
MEASURES = {'keypoints': 'OKS', 'bbox': 'IoU'}
LOSSES = {
    'ap': ('AP', '#2a7f62'),
    'loose': ('imprecise: right at 0.5, not above it', '#f2c14e'),
    'far': (f'far off: right at {NEAR}, not at 0.5', '#f78154'),
    'false_alarms': ('false alarms and doubles', '#b4436c'),
    'missed': (f'missed: nobody found, not even at {NEAR}', '#8d99ae'),
}
"""The label and colour of each field of ``Losses``."""


def write_plots(answers: Answers, folder: Path) -> list[Path]:
    """Writes ``keypoints_precision_recall.png`` and ``bbox_precision_recall.png`` (Fig. 5), and ``losses.png``: where
    AP is lost. Returns their paths. Raises ParameterError if they cannot be written."""
    evaluations: dict[Kind, COCOeval] = {'keypoints': answers.keypoints, 'bbox': answers.bbox}
    pictures = {
        f'{kind}_precision_recall.png': draw_precision_recall(precision_recall(evaluation), kind)
        for kind, evaluation in evaluations.items()
    }
    pictures['losses.png'] = draw_losses(
        {kind: losses(evaluation, answers.matched(kind, [NEAR])) for kind, evaluation in evaluations.items()}
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, picture in pictures.items():
            content = io.BytesIO()
            picture.savefig(content, format='png', dpi=120)
            write_whole(folder / name, content.getvalue())
    except OSError as error:
        raise ParameterError(f'--plots {folder} cannot be written: {error.strerror}') from error
    return [folder / name for name in pictures]


def draw_precision_recall(curves: Mapping[str, Curves], kind: str) -> Figure:
    """A panel for each size of people: a curve for each threshold, and their mean, whose area is the AP."""
    figure = Figure(figsize=(0.6 + 4 * len(curves), 5.6), layout='constrained')
    panels = figure.subplots(1, len(curves), sharex=True, sharey=True, squeeze=False)[0]
    for panel, (size, (thresholds, recall, precision)) in zip(panels, curves.items()):
        colours = colormaps['viridis'](np.linspace(0.95, 0.15, len(thresholds)))
        for threshold, values, colour in zip(thresholds, precision, colours):
            panel.plot(recall, values, color=colour, linewidth=1, label=f'{threshold:.2f}: {100 * values.mean():.1f}')
        panel.plot(recall, precision.mean(0), color='black', linewidth=2, label=f'mean: {100 * precision.mean():.1f}')
        panel.set(title=f'{TITLES[kind]}, {size}', xlabel='recall', xlim=(0, 1), ylim=(0, 1.02))
        panel.grid(alpha=0.3)
        panel.legend(
            title=f'{MEASURES[kind]} and AP in percent',
            fontsize=8,
            title_fontsize=8,
            ncols=3,
            loc='upper center',
            bbox_to_anchor=(0.5, -0.14),
        )
    panels[0].set_ylabel('precision')
    return figure


def draw_losses(found: Mapping[str, Mapping[str, Losses]]) -> Figure:
    """A bar for each kind of answer and size of people, divided into what AP is reached and what takes the rest."""
    rows = [(f'{TITLES[kind]}, {size}', parts) for kind, sizes in found.items() for size, parts in sizes.items()]
    figure = Figure(figsize=(9, 1.6 + 0.45 * len(rows)), layout='constrained')
    panel = figure.subplots()
    start = np.zeros(len(rows))
    for name, (label, colour) in LOSSES.items():
        share = 100 * np.array([getattr(parts, name) for _, parts in rows])
        bars = panel.barh([title for title, _ in rows], share, left=start, color=colour, label=label)
        panel.bar_label(bars, [f'{value:.1f}' if value >= 2.5 else '' for value in share], label_type='center')
        start += share
    panel.invert_yaxis()
    panel.set(xlim=(0, 100), xlabel='AP in percent, OKS or IoU 0.5 to 0.95')
    figure.legend(loc='outside upper center', ncols=2, fontsize=9)
    return figure
